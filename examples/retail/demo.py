"""The retail demo: a hundred orders under both control models, undisturbed and with a kill midway.

    python examples/retail/demo.py [--orders N] [--keep FOLDER] [--page MINUTES]

Four rounds over the same orders, each with systems, stores and a bus of its own. Under a conductor
the order desk's process directs every step; without one, five participants are processes that go by
their own rules. In the second round of each model somebody is killed with `kill -9` and comes back.

At the end the page shows the runs of both models, with everybody back at work. It is a process of
its own, which ends after a quarter of an hour.

Exit code 0 when all rounds end every order in the same way and every audit passes, else 1.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from landscape import HERE
from orders import make_orders
from report import show, show_side_by_side
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rounds import AWAY_S, PACE_MS, VICTIM, Round, play

CONTROLS = ("orchestrated", "choreographed")


def demonstrate(console: Console, data: Path, count: int) -> tuple[bool, list[Round]]:
    """Play all rounds over folders in `data` and show them; says if everything agrees."""
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
    return agrees, rounds


def show_page(console: Console, data: Path, rounds: list[Round], minutes: float) -> None:
    """Start a process that serves the page over the undisturbed rounds, and say where."""
    both = {one.control: json.dumps(one.systems) for one in rounds if one.outage is None}
    with (data / "page.log").open("w+") as log:
        page = subprocess.Popen(
            [sys.executable, HERE / "page.py", data, str(minutes * 60), *map(both.get, CONTROLS)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        line = page.stdout.readline() if page.stdout else ""
        if not line:  # it takes the folder along, the log in it too
            code = page.wait()
            log.seek(0)
            why = "".join(log.read().strip().splitlines()[-1:])
            raise RuntimeError(f"the page ended with exit code {code}: {why}")
    how_long = f"for {minutes:.0f} minutes (or until `kill {page.pid}`)"
    console.print(f"\nThe page, with the runs of both models, {how_long}:\n")
    console.print(f"    {json.loads(line)['page']}", soft_wrap=True, highlight=False)


def main() -> int:
    """Read the command line, run the demo."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=100, metavar="N", help="how many orders")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the databases there")
    parser.add_argument(
        "--page",
        type=float,
        metavar="MINUTES",
        default=15,
        help="how long the page stays",
    )
    asked = parser.parse_args()
    console = Console()
    if asked.keep:
        asked.keep.mkdir(parents=True)  # an earlier demo's books would not add up with this one's
        data = asked.keep.resolve()
    else:
        data = Path(tempfile.mkdtemp(prefix="retail-"))
    is_shown = False
    try:
        agrees, rounds = demonstrate(console, data, asked.orders)
        if asked.page > 0:
            show_page(console, data, rounds, asked.page)
            is_shown = True
    finally:
        if not is_shown and not asked.keep:
            shutil.rmtree(data, ignore_errors=True)
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())
