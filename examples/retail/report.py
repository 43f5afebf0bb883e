"""The result as tables: how the orders ended, what became of those that failed, both models."""

import itertools
from collections import Counter
from typing import Any

from audit import Books
from orders import Order
from rich import box
from rich.console import Console
from rich.table import Table
from rounds import Round

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


def show_side_by_side(console: Console, rounds: list[Round], away_s: float) -> bool:
    """Print both control models beside each other; True if everything agrees.

    Args:
        console: where to.
        rounds: of each model one undisturbed, then one in which somebody was killed.
        away_s: how long that one was away.
    """
    calm = [one for one in rounds if one.outage is None]
    killed = [(one, one.outage) for one in rounds if one.outage is not None]
    table = Table(title="Side by side: the same orders, the same file", **STYLE)
    table.add_column()
    for one in calm:
        table.add_column(one.control, justify="right")
    count = len(calm[0].ended)
    table.add_row("completed", *(str(_completed(one)) for one in calm))
    table.add_row("rejected and undone", *(str(len(one.ended) - _completed(one)) for one in calm))
    table.add_row("messages per order", *(f"{one.messages / count:.1f}" for one in calm))
    table.add_row("hops per order", *(f"{one.hops / count:.1f}" for one in calm))
    table.add_row("latency p50", *(f"{one.latency_ms(0.5)} ms" for one in calm))
    table.add_row("latency p99", *(f"{one.latency_ms(0.99)} ms" for one in calm), end_section=True)
    table.add_row(f"kill -9 midway, {away_s:g} s away", *(out.victim for _, out in killed))
    table.add_row("steps done meanwhile", *(str(out.steps) for _, out in killed))
    table.add_row("orders ended meanwhile", *(str(out.orders) for _, out in killed))
    table.add_row("orders ended at last", *(f"{len(one.ended)} of {count}" for one, _ in killed))
    table.add_row("latency p99", *(f"{one.latency_ms(0.99)} ms" for one, _ in killed))
    table.caption = (
        "A hop is a message that somebody has to take before the order goes on:\n"
        "a conductor asks for each step and is answered; participants hand the order on."
    )
    console.print(table, "")
    wrong = [f"{one.control}: {finding}" for one in rounds for finding in one.findings]
    wrong += [
        f"{order} ended differently: {calm[0].control} {outcome}, {one.control} {other}"
        for one in rounds
        for order, outcome in calm[0].outcomes.items()
        if (other := one.outcomes.get(order)) != outcome
    ]
    for one in wrong:
        console.print(f"[red]✗ {one}")
    if not wrong:
        console.print(
            f"[green]✓ identical: {len(rounds)} times {count} orders, the same outcome of each"
        )
        console.print(
            "[green]✓ audit: by the systems' own books, nothing was lost and nothing doubled"
        )
    return not wrong


def _completed(one: Round) -> int:
    return sum(outcome["status"] == "completed" for outcome in one.outcomes.values())


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
