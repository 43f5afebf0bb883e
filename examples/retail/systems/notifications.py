"""Notifications: tells the customer how the order went."""

import sqlite3

from service import Answer, Request, System, main, rows

SCHEMA = """
create table if not exists messages (
  id text primary key, order_id text not null, customer text not null, text text not null
);
"""


def tell(db: sqlite3.Connection, request: Request) -> Answer:
    """Send one message to a customer."""
    message = {
        "id": request.identifier("msg"),
        "order": request.text("order"),
        "customer": request.text("customer"),
        "text": request.text("text"),
    }
    db.execute("insert into messages values (:id, :order, :customer, :text)", message)
    return 201, message


def list_messages(db: sqlite3.Connection, _request: Request) -> Answer:
    """Every message ever sent."""
    return 200, rows(
        db, 'select id, order_id as "order", customer, text from messages order by rowid'
    )


SYSTEM = System(
    name="notifications",
    schema=SCHEMA,
    routes={"POST /messages": tell, "GET /messages": list_messages},
)

if __name__ == "__main__":
    main(SYSTEM)
