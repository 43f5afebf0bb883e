"""The systems of the shop, as functions."""

import batuta

TRIES: dict[str, int] = {}


@batuta.function
async def reserve(order: str, sku: str) -> dict:
    """Set stock aside."""
    return {"shelf": "A3", "sku": sku, "order": order}


@batuta.function
async def release(order: str) -> dict:
    """Give back what was set aside."""
    return {"released": order}


@batuta.function
async def charge(order: str, cents: int) -> dict:
    """Charge a card; 13 cents are declined, for 503 the bank is busy twice."""
    TRIES[order] = TRIES.get(order, 0) + 1
    if cents == 13:
        raise batuta.Fault("validation", 402, "card declined", "the bank says no")
    if cents == 503 and TRIES[order] < 3:
        raise batuta.Fault("communication", 503, "bank is busy")
    return {"charge": f"ch-{order}", "cents": cents}


@batuta.function
async def pack(order: str) -> dict:
    """Pack a parcel."""
    return {"parcel": f"p-{order}", "weight": 1200}


@batuta.function
async def tell(order: str) -> dict:
    """Tell the customer."""
    return {"told": order}
