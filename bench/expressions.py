"""Nanoseconds per evaluation of typical expressions, natively and in the sandbox.

Run: python bench/expressions.py
"""

from __future__ import annotations

import asyncio
import time

from batuta.expressions import compile_expression, compile_template
from batuta.expressions.sandbox import Sandbox

DATA = {
    "a": {"b": 1},
    "q": 3,
    "sku": "x-1",
    "color": "red",
    "tags": ["green"],
    "items": [{"sku": f"s{n}", "price": n, "quantity": 2} for n in range(20)],
}
VARIABLES = {"x": {"y": 5}, "limit": 10}
PROGRAMS = [
    ".",
    ".a.b",
    "$x.y",
    '.tags + ["red"]',
    "{sku: .sku, n: (.q * 2)}",
    '.color == "red"',
    ".q > 1 and .q < 5",
    ".missing // 7",
    '"\\(.sku): \\(.q)"',
    ".items | length",
    ".items | map(.price * .quantity) | add",
    "[.items[] | select(.price > $limit) | .sku]",
    "reduce .items[] as $i (0; . + $i.price)",
    ".a.b |= . + 1",
]
TEMPLATE = {"sku": "${ .sku }", "order": {"quantity": "${ .q }", "kind": "web", "to": "${ $x.y }"}}


def measure(run) -> float:
    """Return the nanoseconds of one call: the best of five rounds."""
    count, best = 2_000, float("inf")
    for _ in range(5):
        started = time.perf_counter_ns()
        for _ in range(count):
            run()
        best = min(best, (time.perf_counter_ns() - started) / count)
    return best


async def main() -> None:
    print(f"{'native':>44}  ns per evaluation")
    for program in PROGRAMS:
        evaluate = compile_expression(program).evaluate
        if evaluate is None:
            raise SystemExit(f"{program} is not native")
        print(f"{program:>44}  {measure(lambda run=evaluate: run(DATA, VARIABLES)):10,.0f}")
    template = compile_template(TEMPLATE).evaluate
    if template is None:
        raise SystemExit("the template is not native")
    taken = measure(lambda: template(DATA, VARIABLES))
    print(f"{'a template of three expressions':>44}  {taken:10,.0f}")
    sandbox = Sandbox()
    for _ in range(2):
        started = time.perf_counter_ns()
        await sandbox.evaluate('.sku | test("x-[0-9]+")', DATA, {})
        print(
            f"{'sandbox, ' + ('first' if not _ else 'second') + ' evaluation':>44}  "
            f"{time.perf_counter_ns() - started:10,}"
        )
    started = time.perf_counter_ns()
    for _ in range(200):
        await sandbox.evaluate('.sku | test("x-[0-9]+")', DATA, {})
    print(f"{'sandbox, warm':>44}  {(time.perf_counter_ns() - started) / 200:10,.0f}")
    await sandbox.close()


if __name__ == "__main__":
    asyncio.run(main())
