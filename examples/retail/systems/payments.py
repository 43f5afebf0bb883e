"""Payments: charges cards and gives the money back; described by OpenAPI 3.1 at `/openapi.json`.

A card's token says how its bank behaves, so that the same orders always end the same way:
`card-declined` is refused; `card-busy` finds the bank unavailable twice under each key and then
works; `card-down` finds it unavailable always; any other is charged.
"""

import sqlite3
from typing import Any

from service import Answer, Refused, Request, System, main, one, rows

BUSY_TWICE = 2

SCHEMA = """
create table if not exists charges (
  id text primary key, order_id text not null, card text not null, cents integer not null,
  state text not null check (state in ('charged', 'refunded'))
);
"""
SELECT = 'select id, order_id as "order", card, cents, state from charges'


def charge(db: sqlite3.Connection, request: Request) -> Answer:
    """Charge a card; 402 when it is declined, 503 when its bank cannot be reached."""
    order, card, cents = request.text("order"), request.text("card"), request.count("cents")
    if card == "card-down" or (card == "card-busy" and request.earlier < BUSY_TWICE):
        raise Refused(503, "Bank unavailable", f"try {request.earlier + 1}", final=False)
    if card == "card-declined":
        raise Refused(402, "Card declined", f"{cents} cents on {card}")
    identifier = request.identifier("ch")
    db.execute(
        "insert into charges values (?, ?, ?, ?, 'charged')", (identifier, order, card, cents)
    )
    return 201, one(db, f"{SELECT} where id = ?", identifier)


def refund(db: sqlite3.Connection, request: Request) -> Answer:
    """Give a whole charge back; refunding what is refunded changes nothing."""
    made = one(db, f"{SELECT} where id = ?", request.path["charge"])
    db.execute("update charges set state = 'refunded' where id = ?", (made["id"],))
    return 200, made | {"state": "refunded"}


def list_charges(db: sqlite3.Connection, _request: Request) -> Answer:
    """Every charge ever made."""
    return 200, rows(db, f"{SELECT} order by rowid")


def openapi(_db: sqlite3.Connection, request: Request) -> Answer:
    """This API, described (OpenAPI 3.1)."""
    return 200, {
        "openapi": "3.1.0",
        "info": {"title": "Card payments", "version": "1.0.0"},
        "servers": [{"url": request.base}],
        "paths": {
            "/charges": {
                "post": {
                    "operationId": "chargeCard",
                    "parameters": [KEY],
                    "requestBody": {"required": True, "content": _json("NewCharge")},
                    "responses": _responses("201", "402", "503"),
                }
            },
            "/charges/{charge}/refund": {
                "post": {
                    "operationId": "refundCharge",
                    "parameters": [
                        KEY,
                        {
                            "name": "charge",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "string"},
                        },
                    ],
                    "responses": _responses("200", "404"),
                }
            },
        },
        "components": {"schemas": SCHEMAS},
    }


KEY = {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}}
SCHEMAS = {
    "NewCharge": {
        "type": "object",
        "required": ["order", "card", "cents"],
        "properties": {
            "order": {"type": "string"},
            "card": {"type": "string"},
            "cents": {"type": "integer", "minimum": 1},
        },
    },
    "Charge": {
        "type": "object",
        "required": ["id", "order", "card", "cents", "state"],
        "properties": {
            "id": {"type": "string"},
            "order": {"type": "string"},
            "card": {"type": "string"},
            "cents": {"type": "integer"},
            "state": {"enum": ["charged", "refunded"]},
        },
    },
    "Problem": {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    },
}


def _json(schema: str, media: str = "application/json") -> dict[str, Any]:
    return {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _responses(fine: str, *refusals: str) -> dict[str, Any]:
    refused = {"description": "refused", "content": _json("Problem", "application/problem+json")}
    return {fine: {"description": "done", "content": _json("Charge")}} | dict.fromkeys(
        refusals, refused
    )


SYSTEM = System(
    name="payments",
    schema=SCHEMA,
    routes={
        "POST /charges": charge,
        "POST /charges/{charge}/refund": refund,
        "GET /charges": list_charges,
        "GET /openapi.json": openapi,
    },
)

if __name__ == "__main__":
    main(SYSTEM)
