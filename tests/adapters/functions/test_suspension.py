"""Which coroutine functions are known never to give up control."""

import functools

import pytest

from batuta.adapters.callers.functions.suspension import never_suspends


async def returns_at_once(x=1):
    return [y + 1 for y in range(x)]


async def awaits():
    await returns_at_once()


async def loops(source):
    async for _ in source:
        pass


async def enters(manager):
    async with manager:
        pass


async def comprehends(source):
    return [x async for x in source]


async def only_defines_what_awaits():
    async def inner():
        await returns_at_once()

    return inner.__name__


async def awaits_in_a_dead_branch():
    if len("a") > 2:
        await returns_at_once()


async def generates():
    yield 1


def plain():
    return 1


@pytest.mark.parametrize("fn", [returns_at_once, only_defines_what_awaits])
def test_a_coroutine_function_without_a_wait_never_suspends(fn):
    assert never_suspends(fn.__code__)


@pytest.mark.parametrize(
    "fn", [awaits, loops, enters, comprehends, awaits_in_a_dead_branch, generates, plain]
)
def test_whatever_may_wait_or_is_no_coroutine_function_counts_as_suspending(fn):
    assert not never_suspends(fn.__code__)


def test_an_object_without_code_counts_as_suspending():
    assert not never_suspends(getattr(functools.partial(awaits), "__code__", None))
