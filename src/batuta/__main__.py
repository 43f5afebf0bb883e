"""`python -m batuta` is `batuta`."""

from batuta.cli import main

if __name__ == "__main__":
    main(prog_name="batuta")
