"""The result as tables: how the orders ended, what happened to those that failed, the audit."""

import itertools
from collections import Counter
from typing import Any

from audit import Books
from orders import Order
from rich import box
from rich.console import Console
from rich.table import Table

STYLE: dict[str, Any] = {"title_justify": "left", "caption_justify": "left", "box": box.SIMPLE_HEAD}
UNDOING = {"release", "refund", "cancel"}


def show(
    console: Console,
    orders: list[Order],
    outcomes: dict[str, dict[str, Any]],
    books: Books,
    findings: list[str],
) -> None:
    """Print everything."""
    for table in (
        _counts(outcomes, books),
        _failures(orders, outcomes, books),
        _retried(orders, outcomes, books),
    ):
        console.print(table, "")
    for finding in findings:
        console.print(f"[red]✗ {finding}")
    if not findings:
        console.print("[green]✓ audit: the four systems agree with every outcome")


def _counts(outcomes: dict[str, dict[str, Any]], books: Books) -> Table:
    table = Table(title="How the orders ended", **STYLE)
    table.add_column("outcome")
    table.add_column("orders", justify="right")
    counts = Counter(
        f"{outcome['status']}: {outcome['reason']}" if outcome.get("reason") else outcome["status"]
        for outcome in outcomes.values()
    )
    for outcome, count in counts.most_common():
        table.add_row(outcome, str(count))
    kept = sum(row["cents"] for row in books.charges if row["state"] == "charged")
    back = sum(row["cents"] for row in books.charges if row["state"] == "refunded")
    table.caption = f"{kept / 100:,.2f} kept, {back / 100:,.2f} given back"
    return table


def _failures(orders: list[Order], outcomes: dict[str, dict[str, Any]], books: Books) -> Table:
    table = Table(title="Orders that failed: what was done, and undone", **STYLE)
    for column in ("order", "reason", "done", "undone"):
        table.add_column(column)
    for order in orders:
        outcome = outcomes[order.id]
        if outcome["status"] != "completed":
            steps = [step for step in books.steps(order.id) if not step.startswith("tell ")]
            undone = [step for step in steps if step.split()[0] in UNDOING]
            done = [step for step in steps if step not in undone]
            reason = str(outcome.get("reason") or outcome.get("error") or outcome["status"])
            table.add_row(order.id, reason, shortened(done), shortened(undone) or "-")
    return table


def _retried(orders: list[Order], outcomes: dict[str, dict[str, Any]], books: Books) -> Table:
    table = Table(title="Orders that completed after a retry", **STYLE)
    for column in ("order", "steps"):
        table.add_column(column)
    for order in orders:
        steps = books.steps(order.id)
        if outcomes[order.id]["status"] == "completed" and any(s.endswith("503") for s in steps):
            table.add_row(order.id, shortened(steps))
    return table


def shortened(steps: list[str]) -> str:
    """Steps on one line: `reserve, charge ✗503 x4`; only what was refused shows its status."""
    told = []
    for step, repeats in itertools.groupby(steps):
        operation, status = step.split()
        count = len(list(repeats))
        shown = operation if status < "400" else f"{operation} ✗{status}"
        told.append(shown if count == 1 else f"{shown} x{count}")
    return ", ".join(told)
