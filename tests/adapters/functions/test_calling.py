"""From a call to a plain result: arguments, results, faults, secrets, threads."""

import asyncio
import datetime as dt
import enum
import functools
import logging
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NotRequired, TypedDict

import pytest

from batuta.adapters.callers.functions import Fault, function


class Colour(enum.Enum):
    RED = "red"


class Address(TypedDict):
    city: str
    zip: NotRequired[str]


@dataclass
class Line:
    sku: str
    quantity: int = 1


@dataclass
class Order:
    lines: list[Line]
    colour: Colour
    total: Decimal
    due: dt.date
    key: uuid.UUID


async def test_arguments_become_the_types_of_the_annotations_and_results_become_json(perform):
    @function
    async def ship(order: Order, to: Address, speed: Literal["slow", "fast"] = "slow") -> Order:
        assert isinstance(order.lines[0], Line)
        assert order.colour is Colour.RED
        assert order.total == Decimal("12.50")
        assert order.due == dt.date(2026, 1, 2)
        assert to["city"] == "Oslo"
        assert speed == "slow"
        return order

    given = {
        "lines": [{"sku": "A", "quantity": 2}],
        "colour": "red",
        "total": "12.50",
        "due": "2026-01-02",
        "key": "12345678-1234-5678-1234-567812345678",
    }
    assert await perform(ship, {"order": given, "to": {"city": "Oslo"}}) == given


@pytest.mark.parametrize("style", ["driven", "awaited", "direct", "thread"])
async def test_every_style_gives_the_same_result(perform, style):
    async def driven(sku: str, quantity: int):
        return [sku, quantity]

    async def awaited(sku: str, quantity: int):
        await asyncio.sleep(0)
        return [sku, quantity]

    @function(inline=True)
    def direct(sku: str, quantity: int):
        return [sku, quantity]

    def thread(sku: str, quantity: int):
        return [sku, quantity]

    fn = {"driven": driven, "awaited": awaited, "direct": direct, "thread": thread}[style]
    assert await perform(fn, {"sku": "A", "quantity": 2}) == ["A", 2]


def test_what_cannot_suspend_is_answered_without_an_awaitable_or_a_loop(make_caller, make_call):
    async def driven(x: int):
        return x

    assert make_caller(driven)(make_call("driven", {"x": 1})) == 1


async def test_defaults_are_used_and_extra_arguments_reach_a_function_that_takes_them(perform):
    async def f(a: int = 1, *, b: list = [], **others):  # noqa: B006 -- as users write it
        return {"a": a, "b": b, **others}

    assert await perform(f) == {"a": 1, "b": []}
    assert await perform(f, {"c": 3, "b": [2]}) == {"a": 1, "b": [2], "c": 3}


async def test_whole_numbers_from_division_are_integers(perform):
    async def f(count: int, lines: list[Line]):
        return [count, lines[0].quantity]

    given = {"count": 3.0, "lines": [{"sku": "A", "quantity": 6 / 2}]}
    assert await perform(f, given) == [3, 3]


async def test_a_function_cannot_change_the_data_of_the_run(perform):
    kept = []

    async def f(order: dict, free):
        order["x"] = 1
        order["lines"].append(2)
        free.append(3)
        kept.append(order)
        return order

    given = {"order": {"lines": [1]}, "free": [1]}
    result = await perform(f, given)
    kept[0]["later"] = True
    assert given == {"order": {"lines": [1]}, "free": [1]}
    assert result == {"lines": [1, 2], "x": 1}


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"sku": 3, "quantity": 1}, ["argument `sku` is 3: expected `str`, got `int`"]),
        (
            {"sku": "A", "quantity": "three"},
            ['argument `quantity` is "three": expected `int`, got `str`'],
        ),
        ({"sku": "A", "quantity": True}, ["argument `quantity` is true: expected `int`"]),
        ({"sku": "A", "quantity": 1.5}, ["argument `quantity` is 1.5: expected `int`"]),
        ({"sku": "A"}, ["missing argument `quantity`"]),
        (
            {"sku": "A", "quantity": 1, "quantty": 1},
            ["unknown argument `quantty`; did you mean `quantity`?"],
        ),
        (
            {"sku": "A", "quantity": 1, "zzz": 1},
            ["unknown argument `zzz` (it takes `sku`, `quantity`, `lines`)"],
        ),
        (
            {"sku": "A", "quantity": 1, "lines": [{"sku": "B"}, {"sku": None}]},
            ["argument `lines[1].sku` is null: expected `str`, got `null`"],
        ),
        (
            {"sku": 1, "quantity": "x"},
            ["argument `sku` is 1", 'argument `quantity` is "x"'],
        ),
        ({"sku": "\ud800", "quantity": 1}, ["argument `sku` is"]),
        ({"sku": ["y" * 500], "quantity": 1}, ["yyy...: expected"]),
    ],
)
async def test_arguments_that_do_not_fit_are_each_named_with_value_and_expectation(
    perform, given, parts
):
    async def reserve(sku: str, quantity: int, lines: list[Line] = []): ...  # noqa: B006 -- as users write it

    with pytest.raises(Fault) as fault:
        await perform(reserve, given)
    assert (fault.value.kind, fault.value.status) == ("validation", 400)
    assert fault.value.detail.startswith("`reserve`: ")
    for part in parts:
        assert part in fault.value.detail


async def test_a_refused_secret_is_not_shown(perform):
    async def pay(amount: int, cents: Literal["a"]): ...

    given = {"amount": "x" * 110 + "<token>", "cents": "<token>"}
    with pytest.raises(Fault) as fault:
        await perform(pay, given)
    assert "s3cr" not in fault.value.detail
    assert "<token>" in fault.value.detail


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (object(), "object"),
        (float("nan"), "nan"),
        ({"a": [1, float("inf")]}, ".a[1] is inf"),
        ("\ud800", "not Unicode"),
        ({(1, 2): 3}, "tuple"),
        ({"generator": iter([])}, "list_iterator"),
    ],
)
async def test_a_result_that_is_not_json_is_a_runtime_fault(perform, result, reason):
    async def f():
        return result

    with pytest.raises(Fault, match="not JSON") as fault:
        await perform(f)
    assert (fault.value.kind, fault.value.status) == ("runtime", 500)
    assert reason in fault.value.detail


async def test_a_result_that_contains_itself_is_a_runtime_fault(perform):
    async def f():
        result = []
        result.append(result)
        return result

    with pytest.raises(Fault, match="contains itself"):
        await perform(f)


async def test_none_is_a_result(perform):
    async def f(): ...

    assert await perform(f) is None


async def test_a_plain_function_that_returns_a_coroutine_is_told_to_be_async(perform):
    async def inner(): ...

    def outer():
        return inner()

    with pytest.raises(Fault, match="async def"):
        await perform(outer)


class OutOfStock(Exception):  # noqa: N818 -- a name as users choose it
    pass


@pytest.mark.parametrize("style", ["driven", "awaited", "direct", "thread"])
@pytest.mark.parametrize(
    ("error", "kind", "status", "title", "detail"),
    [
        (OutOfStock("only 2 left"), "runtime", 500, "OutOfStock", "only 2 left"),
        (StopIteration(3), "runtime", 500, None, None),
        (SystemExit(2), "runtime", 500, "SystemExit", "2"),
        (TimeoutError("slow bank"), "timeout", 408, "Function timed out", "slow bank"),
        (TimeoutError(), "timeout", 408, "Function timed out", None),
        (Fault("https://acme.com/no", 402, "No", "n"), "https://acme.com/no", 402, "No", "n"),
        (Fault("runtime", 500, "Bad", "key s3cr3t-value"), "runtime", 500, "Bad", "key <token>"),
        (ValueError("bad s3cr3t-value"), "runtime", 500, "ValueError", "bad <token>"),
    ],
)
async def test_what_a_function_raises_becomes_a_fault(
    perform, caplog, style, error, kind, status, title, detail
):
    async def driven():
        raise error

    async def awaited():
        await asyncio.sleep(0)
        raise error

    @function(inline=True)
    def direct():
        raise error

    def thread():
        raise error

    fn = {"driven": driven, "awaited": awaited, "direct": direct, "thread": thread}[style]
    with pytest.raises(Fault) as fault:
        await perform(fn)
    assert (fault.value.kind, fault.value.status) == (kind, status)
    assert title in (None, fault.value.title)
    assert detail in (None, fault.value.detail)
    assert "s3cr3t" not in caplog.text


async def test_a_fault_without_secrets_passes_as_it_is(perform):
    declined = Fault("runtime", 402, "Declined")

    async def f():
        raise declined

    with pytest.raises(Fault) as fault:
        await perform(f)
    assert fault.value is declined


async def test_an_unexpected_error_is_logged_with_its_traceback(perform, caplog):
    async def f():
        raise OutOfStock("gone")

    with caplog.at_level(logging.ERROR, "batuta.functions"), pytest.raises(Fault):
        await perform(f)
    assert "Traceback" in caplog.text
    assert "OutOfStock: gone" in caplog.text
    assert "run-1" in caplog.text


async def test_cancellation_passes_through_a_function(make_caller, make_call):
    started = asyncio.Event()

    async def f():
        started.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(make_caller(f)(make_call("f")))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_secrets_are_revealed_to_a_function_and_removed_from_its_result(perform):
    async def f(header: str):
        assert header == "Bearer s3cr3t-value"
        return {"echo": [header]}

    assert await perform(f, {"header": "Bearer <token>"}) == {"echo": ["Bearer <token>"]}


async def test_secrets_may_be_those_of_each_calls_run(make_caller, make_call):
    class Shouting:
        def reveal(self, value: Any) -> Any:
            return {name: item.upper() for name, item in value.items()}

        def redact(self, value: Any) -> Any:
            return value

        def get(self, name: str) -> Any: ...

    asked = []

    def of(call):
        asked.append(call.run_id)
        return Shouting()

    async def f(x: str):
        return x

    assert make_caller(f, secrets=of)(make_call("f", {"x": "a"}, run_id="run-7")) == "A"
    assert asked == ["run-7"]


async def test_a_function_that_is_not_there_is_a_configuration_fault(make_caller, make_call):
    async def reserve(): ...

    with pytest.raises(Fault, match="did you mean `reserve`") as fault:
        make_caller(reserve)(make_call("resreve"))
    assert (fault.value.kind, fault.value.status) == ("configuration", 400)


async def test_closing_twice_is_harmless(make_caller, make_call):
    def f(): ...

    caller = make_caller(f)
    await caller(make_call("f"))
    caller.close()
    caller.close()


class Adder:
    def __init__(self, by: int):
        self.by = by

    async def __call__(self, x: int) -> int:
        return x + self.by


def added(by: int, x: int) -> int:
    return x + by


@pytest.mark.parametrize("thing", [Adder(2), functools.partial(added, 2)])
async def test_objects_that_can_be_called_are_functions_when_they_are_given_a_name(perform, thing):
    fn = function(name="add", inline=True)(thing)
    assert await perform(fn, {"x": 3}) == 5
    with pytest.raises(Fault, match="argument `x`"):
        await perform(fn, {"x": "3"})
