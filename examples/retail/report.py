"""The result as tables: how the orders ended, what happened to those that failed, the audit."""

from collections import Counter
from typing import Any

from audit import Books
from orders import Order
from rich.console import Console
from rich.table import Table

UNDOING = {"release", "refund_charge", "cancel"}


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
    table = Table(title="How the orders ended", title_justify="left")
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
    table = Table(title="Orders that failed, step by step", title_justify="left")
    for column in ("order", "reason", "done", "undone"):
        table.add_column(column)
    for order in orders:
        outcome = outcomes[order.id]
        if outcome["status"] != "completed":
            steps = books.steps(order.id)
            undone = [step for step in steps if step.split()[0] in UNDOING]
            done = [step for step in steps if step not in undone]
            reason = str(outcome.get("reason") or outcome.get("error") or outcome["status"])
            table.add_row(order.id, reason, shortened(done), shortened(undone) or "nothing to undo")
    return table


def _retried(orders: list[Order], outcomes: dict[str, dict[str, Any]], books: Books) -> Table:
    table = Table(title="Orders that completed after a retry", title_justify="left")
    for column in ("order", "steps"):
        table.add_column(column)
    for order in orders:
        steps = books.steps(order.id)
        if outcomes[order.id]["status"] == "completed" and any(s.endswith("503") for s in steps):
            table.add_row(order.id, shortened(steps))
    return table


def shortened(steps: list[str]) -> str:
    """Steps on one line, with repeats of one counted: `reserve 201, charge_card 503 x4`."""
    counted: list[tuple[str, int]] = []
    for step in steps:
        if counted and counted[-1][0] == step:
            counted[-1] = (step, counted[-1][1] + 1)
        else:
            counted.append((step, 1))
    return ", ".join(step if count == 1 else f"{step} x{count}" for step, count in counted)
