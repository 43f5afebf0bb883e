"""The retail demo: a hundred orders under both control models, undisturbed and with a kill midway.

    python examples/retail/demo.py [--orders N] [--keep FOLDER]

Four rounds over the same orders, each with systems, stores and a bus of its own. Under a conductor
the order desk's process directs every step; without one, five participants are processes that go by
their own rules. In the second round of each model somebody is killed with `kill -9` and comes back.

Exit code 0 when all rounds end every order in the same way and every audit passes, else 1.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from orders import make_orders
from report import show, show_side_by_side
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rounds import AWAY_S, PACE_MS, VICTIM, Round, play

CONTROLS = ("orchestrated", "choreographed")


def demonstrate(console: Console, data: Path, count: int) -> bool:
    """Play all rounds over folders in `data` and show them; True if everything agrees."""
    orders = make_orders(count)
    console.print(
        f"{count} orders, one every {PACE_MS} ms: one workflow file, two control models.\n"
        "Four systems (HTTP, a database each) do the work. Some orders fail, and are undone.\n"
    )
    rounds: list[Round] = []
    columns = (TextColumn("{task.description:44}"), BarColumn(), MofNCompleteColumn())
    began = time.monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for control in CONTROLS:
            for kill in (False, True):
                what = f"{control}, {VICTIM[control]} killed" if kill else control
                bar = progress.add_task(what, total=count)
                rounds.append(
                    play(
                        control,
                        orders,
                        data / f"{control}{'-killed' if kill else ''}",
                        kill=kill,
                        heard=lambda ended, bar=bar: progress.update(bar, completed=ended),
                    )
                )
    console.print()
    first = rounds[0]
    show(console, orders, first.outcomes, first.books, first.findings)
    agrees = show_side_by_side(console, rounds, AWAY_S)
    console.print(f"[dim]{time.monotonic() - began:.0f} s")
    return agrees


def main() -> int:
    """Read the command line, run the demo."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=100, metavar="N", help="how many orders")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the databases there")
    asked = parser.parse_args()
    console = Console()
    if asked.keep:
        asked.keep.mkdir(parents=True)  # an earlier demo's books would not add up with this one's
        return 0 if demonstrate(console, asked.keep.resolve(), asked.orders) else 1
    with tempfile.TemporaryDirectory(prefix="retail-") as data:
        return 0 if demonstrate(console, Path(data), asked.orders) else 1


if __name__ == "__main__":
    sys.exit(main())
