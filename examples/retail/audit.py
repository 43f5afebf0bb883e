"""The consistency audit: asks the systems themselves, over HTTP, whether the books agree.

It trusts nothing that the engine says but each order's outcome, and holds it against what every
system has on record. It knows no engine, so it can judge any way of running the orders.
"""

import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from orders import Order

Rows = list[dict[str, Any]]
ROUTES = {
    "inventory": ("reservations", "stock", "requests"),
    "payments": ("charges", "requests"),
    "shipping": ("shipments", "requests"),
    "notifications": ("messages", "requests"),
}


@dataclass(frozen=True, slots=True)
class Books:
    """What the systems hold. `asked` are all their POSTs, in the order in which they came."""

    reservations: Rows
    stock: Rows
    charges: Rows
    shipments: Rows
    messages: Rows
    asked: Rows

    def steps(self, order: str) -> list[str]:
        """What was asked of the systems for an order: `operation status`, in time order."""
        return [f"{row['operation']} {row['status']}" for row in self.asked if _about(row, order)]


def read_books(systems: dict[str, str]) -> Books:
    """Ask every system for everything it holds."""
    read = {
        (system, route): _get(f"{systems[system]}/{route}")
        for system, routes in ROUTES.items()
        for route in routes
    }
    asked = [row for (_, route), rows in read.items() if route == "requests" for row in rows]
    return Books(
        reservations=read["inventory", "reservations"],
        stock=read["inventory", "stock"],
        charges=read["payments", "charges"],
        shipments=read["shipping", "shipments"],
        messages=read["notifications", "messages"],
        asked=sorted(asked, key=lambda row: row["at_ns"]),
    )


def audit(orders: list[Order], outcomes: dict[str, dict[str, Any]], books: Books) -> list[str]:
    """Hold the outcomes against the books.

    Args:
        orders: every order that was placed.
        outcomes: by order id, at least {"status": ...}, and "reason" when rejected.
        books: what the systems hold.

    Returns:
        One sentence per discrepancy; empty when all agrees.
    """
    held = _by_order(books)
    findings = [text for order in orders for text in _order(order, outcomes, held[order.id])]
    findings += _strangers(orders, books)
    findings += _speeds(orders, books)
    findings += _totals(orders, outcomes, books)
    return findings


def _order(
    order: Order, outcomes: dict[str, dict[str, Any]], held: dict[str, list[str]]
) -> Iterator[str]:
    outcome = outcomes.get(order.id, {"status": "missing"})
    expected = {"status": "rejected", "reason": order.rejection}
    if order.rejection is None:
        expected = {"status": "completed"}
    for name, value in expected.items():
        if outcome.get(name) != value:
            yield f"{order.id}: {name} is {outcome.get(name)!r}, expected {value!r}"
    completed = outcome["status"] == "completed"
    open_states = {"reservations": "reserved", "charges": "charged", "shipments": "booked"}
    for kind, state in open_states.items():
        found = held[kind].count(state)
        if found != int(completed):
            yield f"{order.id} is {outcome['status']} but has {found} {kind} that are {state}"
    if completed and any(len(held[kind]) > 1 for kind in open_states):
        yield f"{order.id} had something done twice: {dict(held)}"
    if len(held["messages"]) != 1:
        yield f"{order.id}: the customer was told {len(held['messages'])} times"


def _strangers(orders: list[Order], books: Books) -> Iterator[str]:
    known = {order.id for order in orders}
    for order in sorted(_by_order(books).keys() - known):
        yield f"{order}: the systems hold something for an order that was never placed"


def _speeds(orders: list[Order], books: Books) -> Iterator[str]:
    speeds = {order.id: "courier" if order.express else "post" for order in orders}
    for row in books.shipments:
        if row["speed"] != speeds.get(row["order"]):
            yield f"{row['order']} was sent by {row['speed']}"


def _totals(
    orders: list[Order], outcomes: dict[str, dict[str, Any]], books: Books
) -> Iterator[str]:
    completed = [o for o in orders if outcomes.get(o.id, {}).get("status") == "completed"]
    for row in books.stock:
        sold = sum(order.quantity for order in completed if order.sku == row["sku"])
        if row["stocked"] - row["on_hand"] != sold:
            gone = row["stocked"] - row["on_hand"]
            yield f"{row['sku']}: {gone} left the shelf, {sold} were sold"
    kept = sum(row["cents"] for row in books.charges if row["state"] == "charged")
    due = sum(order.cents for order in completed)
    if kept != due:
        yield f"money kept is {kept} cents, the completed orders are worth {due}"


def _by_order(books: Books) -> dict[str, dict[str, list[str]]]:
    """By order and kind, the states of what the systems hold."""
    held: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, rows in _kinds(books):
        for row in rows:
            held[row["order"]][kind].append(row.get("state", "sent"))
    return held


def _kinds(books: Books) -> Iterable[tuple[str, Rows]]:
    yield "reservations", books.reservations
    yield "charges", books.charges
    yield "shipments", books.shipments
    yield "messages", books.messages


def _about(row: dict[str, Any], order: str) -> bool:
    return row["order_id"] == order


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)
