"""Arguments in, words out.

`program` is the way in and shows errors; `commands/` has one module per command group; `words`
holds what is said to people, `exit_codes` what is said to scripts. Nothing here decides anything
about workflows or runs: that is `batuta.app`, opened through `batuta.wiring`.

Rule: what is imported when the program starts is click and texts. Each command's module is imported
when that command is called, and an engine when it is opened, so that help costs nothing.
"""

from batuta.cli.program import main

__all__ = ["main"]
