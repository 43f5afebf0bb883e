"""The functions that `order.yaml` calls: what stands here for a warehouse and a card processor."""

import uuid

import batuta


@batuta.function
async def reserveStock(sku: str, quantity: int) -> dict:  # noqa: N802 -- the workflow's name for it
    return {"id": f"{sku}-{quantity}", "sku": sku}


@batuta.function
async def releaseStock(reservation: str) -> dict:  # noqa: N802 -- as above
    return {"released": reservation}


@batuta.function
async def chargeCard(reservation: str, cents: int, context: batuta.Context) -> dict:  # noqa: N802 -- as above
    if cents < 0:
        raise batuta.Fault("validation", 400, "Not an amount", f"{cents} cents cannot be charged")
    # The key is the same however often this is tried: a real processor would use it.
    receipt = uuid.uuid5(uuid.NAMESPACE_OID, context.idempotency_key)
    return {"receipt": f"r-{receipt.hex[:8]}", "reservation": reservation}
