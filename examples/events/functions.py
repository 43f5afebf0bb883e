"""The warehouse's shelves: what `warehouse.yaml` looks up."""

import batuta

SHELVES = {"apples": ("A3", 40), "pears": ("B1", 2)}


@batuta.function
async def findShelf(sku: str, quantity: int) -> dict:  # noqa: N802 -- the workflow's name for it
    shelf, stock = SHELVES.get(sku, (None, 0))
    return {"shelf": shelf if quantity <= stock else None}
