"""The builtins that take expressions: `map(f)`, `select(f)`, `sort_by(f)`, `limit(n; f)`, ..."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import plus, spend
from batuta.expressions.failures import ExpressionFailure, decline
from batuta.expressions.native.code import (
    INPUT,
    MANY,
    SCALAR,
    Code,
    Compiler,
    Copies,
    through,
    times_many,
    together,
    weigh,
)
from batuta.expressions.native.functions import add as add_all
from batuta.expressions.native.functions import elements, error, from_entries, to_entries
from batuta.expressions.values import equal, is_number, kind, order, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EACH = Code(lambda d, e: iter(elements(d, e)), single=False, copies=INPUT)
"""`.[]`"""


def map_each(node: s.Call, c: Compiler) -> Code:
    """`map(f)`."""
    c.need_frame()
    each = node.arguments[0]
    if isinstance(each, s.Call) and each.name == "select" and not each.own:
        test = c.code(each.arguments[0])
        if test.single:
            return _filter(test)
    code = c.code(each)
    run, copies = code.run, through(code.copies, _EACH)
    if code.single:
        return Code(
            lambda d, e: [run(item, e) for item in elements(d, e)], single=True, copies=copies
        )
    return Code(
        lambda d, e: [value for item in elements(d, e) for value in run(item, e)],
        single=True,
        copies=copies,
    )


def _filter(test: Code) -> Code:
    held = test.run

    def run(d: Any, e: Any) -> list[Any]:
        return [
            item
            for item in elements(d, e)
            if (truth := held(item, e)) is not None and truth is not False
        ]

    return Code(run, single=True, copies=INPUT)


def select(node: s.Call, c: Compiler) -> Code:
    """`select(f)`."""
    test = c.code(node.arguments[0])
    held, tests = test.run, test.outputs()
    if test.single:

        def one(d: Any, e: Any) -> Iterator[Any]:
            truth = held(d, e)
            return iter(()) if truth is None or truth is False else iter((d,))

        return Code(one, single=False, copies=INPUT)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for truth in tests(d, e):
            if truth is not None and truth is not False:
                yield d

    return Code(run, single=False, copies={".": MANY})


def selector(*kinds: str) -> Callable[[s.Call, Compiler], Code]:
    """Return the compiler of `strings`, `values` and the like: the input, if it is of a kind."""
    wanted = frozenset(kinds)

    def compile_selector(_node: s.Call, _c: Compiler) -> Code:
        return Code(
            lambda d, _e: iter((d,)) if kind(d) in wanted else iter(()), single=False, copies=INPUT
        )

    return compile_selector


def empty(_node: s.Call, _c: Compiler) -> Code:
    """`empty`."""
    return Code(lambda _d, _e: iter(()), single=False, copies=SCALAR)


def raise_error(node: s.Call, c: Compiler) -> Code:
    """`error(m)`."""
    message = c.single(node.arguments[0])
    run = message.run
    return Code(lambda d, e: error(run(d, e)), single=True, copies=message.copies)


def add(node: s.Call, c: Compiler) -> Code:
    """`add(f)`."""
    c.need_frame()
    code = c.code(node.arguments[0])
    outputs = code.outputs()

    def run(d: Any, e: Any) -> Any:
        values = list(outputs(d, e))
        spend(e, len(values))
        return add_all(values, e)

    return Code(run, single=True, copies=code.copies)


def quantifier(*, wanted: bool) -> Callable[[s.Call, Compiler], Code]:
    """Return the compiler of `any(...)` (wanted) or `all(...)`, with one or two arguments."""

    def compile_quantifier(node: s.Call, c: Compiler) -> Code:
        c.need_frame()
        two = len(node.arguments) > 1
        source = c.code(node.arguments[0]) if two else _EACH
        tests = c.code(node.arguments[-1]).outputs()
        outputs = source.outputs()

        def run(d: Any, e: Any) -> bool:
            for value in outputs(d, e):
                for truth in tests(value, e):
                    if (truth is not None and truth is not False) is wanted:
                        return wanted
            return not wanted

        return Code(run, single=True, copies=SCALAR)

    return compile_quantifier


# -- grouping and sorting --------------------------------------------------------------------------


def by_key(
    name: str,
    combine: Callable[[list[tuple[Any, Any]]], Any],
) -> Callable[[s.Call, Compiler], Code]:
    """Return the compiler of `sort_by(f)` and the like, given what to do with (key, item) pairs."""

    def compile_by_key(node: s.Call, c: Compiler) -> Code:
        c.need_frame()
        key = c.code(node.arguments[0])
        run, outputs = key.run, key.outputs()

        def pairs(d: Any, e: Any) -> Any:
            items = elements(d, e)
            if d.__class__ is not list:
                raise decline(f"{name} of something else than an array")
            if key.single:
                return combine([((order(weigh(run(item, e), e)),), item) for item in items])
            return combine(
                [(tuple(order(weigh(k, e)) for k in outputs(item, e)), item) for item in items]
            )

        return Code(pairs, single=True, copies=INPUT)

    return compile_by_key


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def groups(pairs: list[tuple[Any, Any]]) -> list[list[Any]]:
    """Return the items in groups of the same key, by their keys."""
    made: list[list[Any]] = []
    last: Any = None
    for key, item in sorted(pairs, key=_first):
        if made and key == last:
            made[-1].append(item)
        else:
            made.append([item])
            last = key
    return made


def sort_pairs(pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Return the items by their keys."""
    return [item for _, item in sorted(pairs, key=_first)]


def unique_pairs(pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Return the first item of each key."""
    return [group[0] for group in groups(pairs)]


def least_pair(pairs: list[tuple[Any, Any]]) -> Any:
    """Return the first item of the smallest key."""
    return min(pairs, key=_first)[1] if pairs else None


def greatest_pair(pairs: list[tuple[Any, Any]]) -> Any:
    """Return the last item of the greatest key."""
    return max(reversed(pairs), key=_first)[1] if pairs else None


# -- streams ---------------------------------------------------------------------------------------


def first_output(node: s.Call, c: Compiler) -> Code:
    """`first(f)`."""
    code = c.code(node.arguments[0])
    outputs = code.outputs()
    return Code(lambda d, e: islice(outputs(d, e), 1), single=False, copies=code.copies)


def last_output(node: s.Call, c: Compiler) -> Code:
    """`last(f)`."""
    code = c.code(node.arguments[0])
    outputs = code.outputs()
    return Code(lambda d, e: iter(list(outputs(d, e))[-1:]), single=False, copies=code.copies)


def limit(node: s.Call, c: Compiler) -> Code:
    """`limit(n; f)`."""
    count, code = c.single(node.arguments[0]).run, c.code(node.arguments[1])
    outputs = code.outputs()

    def run(d: Any, e: Any) -> Iterator[Any]:
        most = count(d, e)
        if not is_number(most) or not 0 <= most < 2**31:
            raise decline("an odd limit")
        if most > 0:
            yield from islice(outputs(d, e), math.ceil(most))

    return Code(run, single=False, copies=code.copies)


def is_empty(node: s.Call, c: Compiler) -> Code:
    """`isempty(f)`."""
    outputs = c.code(node.arguments[0]).outputs()

    def run(d: Any, e: Any) -> bool:
        return all(False for _ in outputs(d, e))

    return Code(run, single=True, copies=SCALAR)


def count_up(node: s.Call, c: Compiler) -> Code:
    """`range(n)`, `range(a; b)`, `range(a; b; step)` with one output for each argument."""
    c.need_frame()
    codes = [c.single(argument).run for argument in node.arguments]
    if len(codes) == 1:
        codes.insert(0, lambda _d, _e: 0)
    start, stop = codes[:2]
    step = codes[2] if len(codes) > 2 else lambda _d, _e: 1  # noqa: PLR2004 -- the third argument

    def run(d: Any, e: Any) -> Iterator[Any]:
        at, end, by = start(d, e), stop(d, e), step(d, e)
        if not (is_number(at) and is_number(end)):
            if len(codes) > 2:  # noqa: PLR2004 -- then jq compares whatever it is given
                raise decline("a range of something else than numbers")
            raise ExpressionFailure("Range bounds must be numeric")
        if not is_number(by) or by == 0:
            raise decline("a range by an odd step")
        while at < end if by > 0 else at > end:
            spend(e, 1)
            yield at
            at = plus(at, by)

    return Code(run, single=False, copies={"#range": 1})


def _loop_copies(body: Code) -> Copies:
    held = times_many({name: count for name, count in body.copies.items() if name != "."})
    return together({".": 1 if body.copies.get(".", 0) <= 1 else MANY}, held)


def until(node: s.Call, c: Compiler) -> Code:
    """`until(condition; next)` with one output each."""
    c.need_frame()
    test, following = c.single(node.arguments[0]).run, c.single(node.arguments[1])
    move = following.run

    def run(d: Any, e: Any) -> Any:
        while (truth := test(d, e)) is None or truth is False:
            spend(e, 10)
            d = move(d, e)
        return d

    return Code(run, single=True, copies=_loop_copies(following))


def while_true(node: s.Call, c: Compiler) -> Code:
    """`while(condition; next)` with one output each."""
    c.need_frame()
    test, following = c.single(node.arguments[0]).run, c.single(node.arguments[1])
    move = following.run

    def run(d: Any, e: Any) -> Iterator[Any]:
        while (truth := test(d, e)) is not None and truth is not False:
            spend(e, 10)
            yield d
            d = move(d, e)

    return Code(run, single=False, copies=together(_loop_copies(following), {".": MANY}))


# -- entries and membership ------------------------------------------------------------------------


def with_entries(node: s.Call, c: Compiler) -> Code:
    """`with_entries(f)`."""
    c.need_frame()
    code = c.code(node.arguments[0])
    outputs = code.outputs()

    def run(d: Any, e: Any) -> Any:
        made = [value for entry in to_entries(d, e) for value in outputs(entry, e)]
        return from_entries(made, e)

    return Code(run, single=True, copies=through(code.copies, _EACH))


def is_one_of(node: s.Call, c: Compiler) -> Code:
    """`IN(s)`."""
    c.need_frame()
    outputs = c.code(node.arguments[0]).outputs()

    def run(d: Any, e: Any) -> bool:
        for value in outputs(d, e):
            spend(e, 1)
            if d.__class__ is value.__class__:
                weigh(value, e)
            if equal(value, d):
                return True
        return False

    return Code(run, single=True, copies=SCALAR)


def index_by(node: s.Call, c: Compiler) -> Code:
    """`INDEX(f)` with one key for each item; the last item of a key stays."""
    c.need_frame()
    key = c.single(node.arguments[0]).run

    def run(d: Any, e: Any) -> dict[str, Any]:
        return {to_text(weigh(key(item, e), e)): item for item in elements(d, e)}

    return Code(run, single=True, copies=INPUT)
