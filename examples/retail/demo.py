"""The retail demo: a hundred orders through four real systems, then an audit of their books.

    python examples/retail/demo.py [--orders N] [--keep FOLDER]

Exit code 0 when the audit finds every system in agreement with every outcome, else 1.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from audit import audit, read_books
from landscape import SYSTEMS, running_systems
from orders import Order, make_orders
from report import show
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import batuta

WORKFLOW = Path(__file__).resolve().parent / "order.yaml"
NAME = "retail/order-fulfilment"

Outcome = dict[str, Any]


async def run_orders(
    store: str, orders: list[Order], systems: dict[str, str], ended: Callable[[], None]
) -> dict[str, Outcome]:
    """Run every order through the engine, all at once; the outcome of each by order id."""
    async with batuta.open(store) as engine:
        await engine.deploy(WORKFLOW)

        async def outcome(order: Order) -> Outcome:
            run = await engine.start(NAME, order.input(systems), run_id=order.id)
            result = await run.result()
            ended()
            if result.status == "completed":
                return result.output
            return {"status": result.status, "error": result.error}

        return dict(
            zip(
                [order.id for order in orders],
                await asyncio.gather(*map(outcome, orders)),
                strict=True,
            )
        )


def demonstrate(console: Console, data: Path, count: int) -> bool:
    """Run `count` orders with the systems on `data` and show it; True if the audit passed."""
    orders = make_orders(count)
    with running_systems(data) as systems:
        for name in SYSTEMS:
            console.print(f"{name:14} {systems[name]}")
        columns = (TextColumn("orders"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        started = time.monotonic()
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("orders", total=count)
            store = f"sqlite:///{data / 'batuta.sqlite'}"
            outcomes = asyncio.run(
                run_orders(store, orders, systems, lambda: progress.advance(bar))
            )
        console.print(f"{count} orders in {time.monotonic() - started:.1f} s\n")
        books = read_books(systems)
        findings = audit(orders, outcomes, books)
        show(console, orders, outcomes, books, findings)
    return not findings


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
        return 0 if demonstrate(console, asked.keep, asked.orders) else 1
    with tempfile.TemporaryDirectory(prefix="retail-") as data:
        return 0 if demonstrate(console, Path(data), asked.orders) else 1


if __name__ == "__main__":
    sys.exit(main())
