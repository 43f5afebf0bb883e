"""Inventory: what is in stock, and what is set aside for whom."""

import sqlite3

from service import Answer, Refused, Request, System, main, one, rows

STOCK = {
    "chair-oak": 400,
    "desk-birch": 300,
    "lamp-brass": 500,
    "rug-wool": 350,
    "clock-cuckoo": 0,  # sold out: every reservation of it is refused
}

SCHEMA = """
create table if not exists stock (
  sku text primary key, stocked integer not null, on_hand integer not null check (on_hand >= 0)
);
create table if not exists reservations (
  id text primary key, order_id text not null, sku text not null, quantity integer not null,
  state text not null check (state in ('reserved', 'released'))
);
"""


def seed(db: sqlite3.Connection) -> None:
    """Fill the shelves, once in the life of a database."""
    db.executemany(
        "insert or ignore into stock values (?, ?, ?)", [(sku, n, n) for sku, n in STOCK.items()]
    )


def reserve(db: sqlite3.Connection, request: Request) -> Answer:
    """Set stock aside for an order; 409 when there is not enough."""
    order, sku, quantity = request.text("order"), request.text("sku"), request.count("quantity")
    taken = db.execute(
        "update stock set on_hand = on_hand - ? where sku = ? and on_hand >= ?",
        (quantity, sku, quantity),
    )
    if taken.rowcount != 1:
        raise Refused(409, "Out of stock", f"{quantity} of {sku} asked for")
    identifier = request.identifier("res")
    db.execute(
        "insert into reservations values (?, ?, ?, ?, 'reserved')",
        (identifier, order, sku, quantity),
    )
    return 201, _reservation(db, identifier)


def release(db: sqlite3.Connection, request: Request) -> Answer:
    """Put a reservation's stock back; releasing what is released changes nothing."""
    held = one(db, "select * from reservations where id = ?", request.path["id"])
    if held["state"] == "reserved":
        db.execute("update reservations set state = 'released' where id = ?", (held["id"],))
        db.execute(
            "update stock set on_hand = on_hand + ? where sku = ?", (held["quantity"], held["sku"])
        )
    return 200, _reservation(db, held["id"])


def list_reservations(db: sqlite3.Connection, _request: Request) -> Answer:
    """Every reservation ever made."""
    return 200, rows(
        db, 'select id, order_id as "order", sku, quantity, state from reservations order by rowid'
    )


def list_stock(db: sqlite3.Connection, _request: Request) -> Answer:
    """What was stocked at first and what is on hand now."""
    return 200, rows(db, "select * from stock order by sku")


def _reservation(db: sqlite3.Connection, identifier: str) -> dict[str, object]:
    return one(
        db,
        'select id, order_id as "order", sku, quantity, state from reservations where id = ?',
        identifier,
    )


SYSTEM = System(
    name="inventory",
    schema=SCHEMA,
    seed=seed,
    routes={
        "POST /reservations": reserve,
        "POST /reservations/{id}/release": release,
        "GET /reservations": list_reservations,
        "GET /stock": list_stock,
    },
)

if __name__ == "__main__":
    main(SYSTEM)
