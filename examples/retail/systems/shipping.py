"""Shipping: books shipments and calls them off.

Some countries are served slowly (the booking itself takes `SLOW_S`), and some not at all.
"""

import sqlite3

from service import Answer, Refused, Request, System, main, one, rows

SLOW_S = 1.2
SLOWLY_SERVED = frozenset({"FO", "GL"})
NOT_SERVED = frozenset({"AQ", "BV"})
SPEEDS = frozenset({"courier", "post"})

SCHEMA = """
create table if not exists shipments (
  id text primary key, order_id text not null, country text not null, speed text not null,
  state text not null check (state in ('booked', 'cancelled'))
);
"""
SELECT = 'select id, order_id as "order", country, speed, state from shipments'


def pace(request: Request) -> float:
    """Seconds that a booking takes before anything happens."""
    return SLOW_S if request.body.get("country") in SLOWLY_SERVED else 0.0


def book(db: sqlite3.Connection, request: Request) -> Answer:
    """Book a shipment; 422 when nobody delivers to that country."""
    order, country, speed = request.text("order"), request.text("country"), request.text("speed")
    if speed not in SPEEDS:
        raise Refused(400, "Bad request", f"no such speed: {speed!r}")
    if country in NOT_SERVED:
        raise Refused(422, "Address cannot be shipped to", f"nobody delivers to {country}")
    identifier = request.identifier("sh")
    db.execute(
        "insert into shipments values (?, ?, ?, ?, 'booked')", (identifier, order, country, speed)
    )
    return 201, one(db, f"{SELECT} where id = ?", identifier)


def cancel(db: sqlite3.Connection, request: Request) -> Answer:
    """Call a shipment off; cancelling what is cancelled changes nothing."""
    shipment = one(db, f"{SELECT} where id = ?", request.path["id"])
    db.execute("update shipments set state = 'cancelled' where id = ?", (shipment["id"],))
    return 200, shipment | {"state": "cancelled"}


def list_shipments(db: sqlite3.Connection, _request: Request) -> Answer:
    """Every shipment ever booked."""
    return 200, rows(db, f"{SELECT} order by rowid")


SYSTEM = System(
    name="shipping",
    schema=SCHEMA,
    pace=pace,
    routes={
        "POST /shipments": book,
        "POST /shipments/{id}/cancel": cancel,
        "GET /shipments": list_shipments,
    },
)

if __name__ == "__main__":
    main(SYSTEM)
