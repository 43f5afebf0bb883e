"""The orders, and the audit: does it pass what is right and find what is wrong?

The orders are placed here by hand, through the real systems; no engine takes part.
"""

import copy
import dataclasses
import io
import itertools
from collections import Counter

import audit
import httpx2
import landscape
import orders
import pytest
from report import shortened, show
from rich.console import Console

REASONS = {402: "card declined", 409: "out of stock", 422: "address refused"}
MADE = orders.make_orders()
TOLD = [order for order in MADE if order.story not in {"plain", "slow shipping"}]
ORDERS = [*TOLD, *(order for order in MADE[::4] if order.story == "plain")]


class ByHand:
    """An order desk that does by hand what the workflow says."""

    def __init__(self, systems, http):
        self.systems = systems
        self.http = http

    def post(self, key, path, **body):
        system, _, route = path.partition("/")
        for _ in range(5):
            answer = self.http.post(
                f"{self.systems[system]}/{route}", json=body, headers={"Idempotency-Key": key}
            )
            if answer.status_code != 503:
                break
        return answer

    def place(self, order):
        done = []
        outcome = {"status": "completed"}
        speed = "courier" if order.express else "post"
        for undo, path, body in (
            ("release", "inventory/reservations", {"sku": order.sku, "quantity": order.quantity}),
            ("refund", "payments/charges", {"card": order.card, "cents": order.cents}),
            ("cancel", "shipping/shipments", {"country": order.country, "speed": speed}),
        ):
            answer = self.post(f"{order.id}/{path}", path, order=order.id, **body)
            if answer.status_code != 201:
                reason = REASONS.get(answer.status_code, "bank unavailable")
                outcome = {"status": "rejected", "reason": reason}
                break
            done.append(f"{path}/{answer.json()['id']}/{undo}")
        if outcome["status"] == "rejected":
            for path in reversed(done):
                self.post(f"{order.id}/{path}", path)
        self.post(
            f"{order.id}/tell", "notifications/messages", order=order.id, customer="c", text="t"
        )
        return outcome


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """The outcomes of some orders placed by hand, and the books after them."""
    with (
        landscape.running_systems(tmp_path_factory.mktemp("audit")) as systems,
        httpx2.Client() as http,
    ):
        desk = ByHand(systems, http)
        outcomes = {order.id: desk.place(order) for order in ORDERS}
        return outcomes, audit.read_books(systems)


def findings(placed, change):
    outcomes, books = copy.deepcopy(placed[0]), copy.deepcopy(placed[1])
    change(outcomes, books)
    return audit.audit(ORDERS, outcomes, books)


def of(rows, story):
    """The first row about an order that tells this story."""
    ids = {order.id for order in ORDERS if order.story == story}
    return next(row for row in rows if row["order"] in ids)


def test_the_same_hundred_orders_are_made_each_time():
    made = orders.make_orders()
    assert made == orders.make_orders()
    assert len({order.id for order in made}) == 100
    assert Counter(order.rejection for order in made) == {
        None: 88,
        "out of stock": 3,
        "card declined": 3,
        "address refused": 3,
        "bank unavailable": 3,
    }
    assert any(order.express for order in made)


def test_an_order_does_not_tell_the_systems_how_it_ends():
    order = orders.make_orders()[0]
    assert "story" not in order.input({})["order"]


def test_orders_placed_well_pass_the_audit(placed):
    assert findings(placed, lambda _outcomes, _books: None) == []


def test_a_shipment_that_cannot_be_made_is_undone_newest_first(placed):
    order = next(order for order in ORDERS if order.story == "not delivered there")
    assert placed[1].steps(order.id) == [
        "reserve 201",
        "charge 201",
        "book 422",
        "refund 200",
        "release 200",
        "tell 201",
    ]


def test_a_charge_that_was_not_given_back_is_found(placed):
    def change(_, books):
        of(books.charges, "not delivered there")["state"] = "charged"

    found = findings(placed, change)
    assert any("charges that are charged" in text for text in found)
    assert any("money kept" in text for text in found)


def test_a_reservation_that_stayed_open_is_found(placed):
    def change(_, books):
        of(books.reservations, "card declined")["state"] = "reserved"

    assert any("reservations that are reserved" in text for text in findings(placed, change))


def test_stock_that_does_not_add_up_is_found(placed):
    def change(_, books):
        books.stock[0]["on_hand"] -= 1

    assert any("left the shelf" in text for text in findings(placed, change))


@pytest.mark.parametrize("kind", ["reservations", "charges", "shipments", "messages"])
def test_what_was_done_twice_is_found(placed, kind):
    def change(_, books):
        rows = getattr(books, kind)
        rows.append(dict(of(rows, "plain")))

    assert findings(placed, change)


@pytest.mark.parametrize("kind", ["reservations", "charges", "shipments", "messages"])
def test_what_was_not_done_is_found(placed, kind):
    def change(_, books):
        rows = getattr(books, kind)
        rows.remove(of(rows, "plain"))

    assert findings(placed, change)


def test_an_express_order_that_went_by_post_is_found(placed):
    def change(_, books):
        books.shipments[0]["speed"] = "donkey"

    assert any("sent by donkey" in text for text in findings(placed, change))


def test_an_order_nobody_placed_is_found(placed):
    def change(_, books):
        books.messages.append({"order": "stranger"})

    assert any("never placed" in text for text in findings(placed, change))


def test_an_outcome_that_differs_from_the_data_is_found(placed):
    wrong = itertools.cycle(["completed", "rejected", "faulted"])

    def change(outcomes, _):
        for order in ORDERS:
            outcomes[order.id] = {"status": next(wrong), "reason": None}

    assert len(findings(placed, change)) > len(ORDERS) // 3


def test_an_order_without_an_outcome_is_found(placed):
    def change(outcomes, _):
        del outcomes[ORDERS[0].id]

    assert any("missing" in text for text in findings(placed, change))


def test_orders_are_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        orders.make_orders(1)[0].cents = 0


def test_repeated_steps_are_counted_on_one_line():
    assert shortened(["a 201", "b 503", "b 503", "b 201"]) == "a, b ✗503 x2, b"


def test_the_report_shows_counts_failures_retries_and_the_audit(placed):
    outcomes, books = placed
    page = io.StringIO()
    console = Console(file=page, width=80)
    show(console, ORDERS, outcomes, books, audit.audit(ORDERS, outcomes, books))
    show(console, ORDERS, outcomes, books, ["order-001 is wrong"])
    text = page.getvalue()
    assert "rejected: out of stock" in text
    assert "refund, release" in text
    assert "charge ✗503 x2, charge, book" in text
    assert "the four systems agree" in text
    assert "order-001 is wrong" in text
