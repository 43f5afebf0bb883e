"""The books that `expense.yaml` writes in; here a dictionary, in life an API or a database."""

import batuta

BOOKS: dict[str, str] = {}


@batuta.function
async def earmark(request: str, cents: int) -> dict:
    BOOKS[request] = f"{cents} earmarked"
    return {"mark": request}


@batuta.function
async def release(mark: str) -> None:
    BOOKS[mark] = "released"


@batuta.function
async def pay(request: str, cents: int, context: batuta.Context) -> dict:
    # Whoever moves the money gets the key: asked twice after a crash, it pays once.
    BOOKS[request] = f"{cents} paid"
    return {"paid": cents, "key": context.idempotency_key}
