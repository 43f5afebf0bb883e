"""Names, versions, clashes, and what cannot be a function of a workflow."""

import functools
from typing import TYPE_CHECKING

import pytest

from batuta.adapters.callers.functions import Context, FunctionRegistry, Style, function
from batuta.errors import ConflictError, NotFoundError, RequestError

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.fixture
def registry():
    return FunctionRegistry()


@function(name="charge", version="1.0.0")
def charge_1():
    """Take the money."""


@function(name="charge", version="1.10.0")
def charge_2(): ...


@function(name="charge", version="2.0.0-rc1")
def charge_3(): ...


def test_a_name_alone_means_the_newest_release(registry):
    for fn in (charge_3, charge_2, charge_1):
        registry.add(fn)
    assert registry.get("charge").target is charge_2


@pytest.mark.parametrize("name", ["charge:1.0.0", "charge:1.0.0@default"])
def test_a_version_is_found_with_and_without_its_catalogue(registry, name):
    registry.add(charge_1)
    registry.add(charge_2)
    assert registry.get(name).target is charge_1


def test_a_later_registration_is_what_a_bare_name_means_from_then_on(registry):
    registry.add(charge_1)
    assert registry.get("charge").version == "1.0.0"
    registry.add(charge_2)
    assert registry.get("charge").version == "1.10.0"


def test_an_unknown_name_is_answered_with_a_near_one(registry):
    registry.add(charge_1)
    with pytest.raises(NotFoundError) as missing:
        registry.get("chrage")
    assert "did you mean `charge`?" in missing.value.hint


def test_an_unknown_name_far_from_all_lists_what_there_is(registry):
    with pytest.raises(NotFoundError, match="no functions are loaded"):
        registry.get("x")
    registry.add(charge_1)
    with pytest.raises(NotFoundError, match="there are: charge"):
        registry.get("unlike")


def test_an_unknown_version_lists_the_known_ones(registry):
    registry.add(charge_2)
    registry.add(charge_1)
    with pytest.raises(NotFoundError, match=r"1\.0\.0, 1\.10\.0"):
        registry.get("charge:9.9.9")


def test_another_catalogue_is_not_looked_up_here(registry):
    registry.add(charge_1)
    with pytest.raises(NotFoundError, match="catalogue `global`"):
        registry.get("charge:1.0.0@global")


def test_two_functions_of_one_name_and_version_are_refused_with_both_places(registry):
    @function(name="charge")
    def other(): ...

    registry.add(charge_1)
    with pytest.raises(ConflictError) as clash:
        registry.add(other)
    assert clash.value.message.count("test_registry.py:") == 2


def test_adding_the_same_function_again_changes_nothing(registry):
    class Desk:
        @function
        def take(self, order: str): ...

    desk = Desk()
    registry.add(charge_1)
    registry.add(charge_1)
    registry.add(desk.take)
    registry.add(desk.take)
    assert registry.names() == ("charge", "take")
    assert registry.get("take").signature.input_schema["required"] == ["order"]


def test_a_plain_function_may_be_added_by_hand(registry):
    def plain(): ...

    registry.add(plain)
    assert registry.get("plain").version == "1.0.0"


@pytest.mark.parametrize("thing", [3, dict, lambda: 0, functools.partial(charge_1)])
def test_what_has_no_usable_name_or_is_no_function_is_refused(registry, thing):
    with pytest.raises(RequestError):
        registry.add(thing)


def test_generators_are_refused(registry):
    def rows():
        yield 1

    async def later():
        yield 1

    for fn in (rows, later):
        with pytest.raises(RequestError, match="generator"):
            registry.add(fn)


def test_the_style_follows_from_what_a_function_is(registry):
    async def driven(): ...

    async def awaited():
        await driven()

    @function(inline=True)
    def direct(): ...

    def thread(): ...

    @functools.wraps(awaited)
    def wrapper():
        return awaited()

    wrapper.__name__ = "wrapper"
    wrapper.__dict__.clear()
    wrapper.__wrapped__ = awaited
    styles = {
        fn.__name__: registry.add(fn).style for fn in (driven, awaited, direct, thread, wrapper)
    }
    assert styles == {
        "driven": Style.DRIVEN,
        "awaited": Style.AWAITED,
        "direct": Style.DIRECT,
        "thread": Style.THREAD,
        "wrapper": Style.AWAITED,
    }


def test_a_function_that_takes_arguments_by_position_only_is_refused(registry):
    def f(x, /): ...

    with pytest.raises(RequestError, match="by position only"):
        registry.add(f)


def test_an_annotation_without_a_form_in_json_is_refused_with_what_to_use(registry):
    class Socket: ...

    def f(connection: Socket): ...

    def g() -> Socket: ...

    for fn, what in ((f, "argument `connection`"), (g, "its result")):
        with pytest.raises(RequestError, match=what) as refused:
            registry.add(fn)
        assert "dataclass" in refused.value.hint


def test_an_annotation_that_exists_for_type_checkers_only_is_refused_with_the_reason(registry):
    def f(amount: "Decimal"): ...

    with pytest.raises(RequestError, match="'Decimal' is not defined") as refused:
        registry.add(f)
    assert "TYPE_CHECKING" in refused.value.hint


def test_the_context_is_no_argument_of_the_workflow(registry):
    def f(x: int, context: Context | None = None, *args, **kwargs): ...

    signature = registry.add(f).signature
    assert signature.context_name == "context"
    assert signature.accepts_others
    assert list(signature.input_schema["properties"]) == ["x"]
