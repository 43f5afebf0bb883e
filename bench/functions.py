"""What a call of a Python function costs, without the loop and without the journal.

Run: python bench/functions.py
"""

from __future__ import annotations

import asyncio
import sys
import timeit
from dataclasses import dataclass
from typing import Any

from batuta.adapters.callers.functions import (
    Context,
    FunctionCaller,
    FunctionRegistry,
    function,
)
from batuta.ports.caller import Call

N = 100_000


class NoSecrets:
    def reveal(self, value: Any) -> Any:
        return value

    def redact(self, value: Any) -> Any:
        return value

    def get(self, name: str) -> Any:
        raise KeyError(name)


@dataclass
class Line:
    sku: str
    quantity: int


@function
async def reserve(sku: str, quantity: int) -> dict:
    return {"id": "r-1", "sku": sku, "left": 9 - quantity}


@function(inline=True)
def reserve_direct(sku: str, quantity: int) -> dict:
    return {"id": "r-1", "sku": sku, "left": 9 - quantity}


@function
async def reserve_with_context(sku: str, quantity: int, context: Context) -> dict:
    return {"id": context.idempotency_key, "sku": sku, "left": 9 - quantity}


@function
async def reserve_lines(lines: list[Line]) -> list[Line]:
    return lines


@function
async def reserve_awaiting(sku: str, quantity: int) -> dict:
    await asyncio.sleep(0)
    return {"id": "r-1", "sku": sku, "left": 9 - quantity}


@function
def reserve_blocking(sku: str, quantity: int) -> dict:
    return {"id": "r-1", "sku": sku, "left": 9 - quantity}


def call(name: str, arguments: dict[str, Any]) -> Call:
    return Call(
        run_id="run-1",
        workflow="retail/order:1.0.0",
        reference="/do/0/reserve",
        name="reserve",
        kind="function",
        target=name,
        arguments=arguments,
        idempotency_key="key-1",
    )


def best(body: Any, number: int) -> float:
    """Nanoseconds per call: the best of five, so that neighbours on the machine count least."""
    return min(timeit.repeat(body, number=number, repeat=5)) / number * 1e9


def main() -> None:
    registry = FunctionRegistry()
    everything = (
        reserve,
        reserve_direct,
        reserve_with_context,
        reserve_lines,
        reserve_awaiting,
        reserve_blocking,
    )
    for fn in everything:
        registry.add(fn)
    caller = FunctionCaller(registry, NoSecrets())
    plain = {"sku": "A-1", "quantity": 3}
    lines = {"lines": [plain] * 3}

    def bare() -> Any:
        try:
            reserve(**plain).send(None)
        except StopIteration as done:
            return done.value

    print(f"Python {sys.version.split()[0]}, best of 5")
    own = best(bare, N)
    print(f"{'the function itself, driven by hand':44}{own:9.0f} ns")
    for name, arguments in (
        ("reserve", plain),
        ("reserve_direct", plain),
        ("reserve_with_context", plain),
        ("reserve_lines", lines),
    ):
        one = call(name, arguments)
        took = best(lambda one=one: caller(one), N)
        print(f"{name:44}{took:9.0f} ns   (overhead {took - own:.0f} ns)")

    async def many(one: Call, count: int) -> None:
        for _ in range(count):
            await caller(one)

    for name in ("reserve_awaiting", "reserve_blocking"):
        one = call(name, plain)
        took = best(lambda one=one: asyncio.run(many(one, 2000)), 1) / 2000
        print(f"{name + ', awaited one after another':44}{took:9.0f} ns")
    caller.close()


if __name__ == "__main__":
    main()
