"""Code for `if`, `try`, bindings and folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import spend
from batuta.expressions.failures import ExpressionFailure
from batuta.expressions.native.code import (
    INPUT,
    MANY,
    Code,
    Compiler,
    Copies,
    Unsupported,
    through,
    times_many,
    together,
)
from batuta.expressions.values import index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batuta.expressions.native.code import Run


def condition(node: s.If, c: Compiler) -> Code:
    """`if`: the last branch first, each earlier one around it."""
    with c.deeper(len(node.branches)):
        rest = c.code(node.otherwise or s.Identity())
        for test, body in reversed(node.branches):
            rest = _choice(c.code(test), c.code(body), rest)
            c.watch(rest)
    return rest


def _choice(test: Code, yes: Code, no: Code) -> Code:
    copies = together(yes.copies, no.copies)
    decide, then, otherwise = test.run, yes.run, no.run
    if test.single and yes.single and no.single:

        def one(d: Any, e: Any) -> Any:
            held = decide(d, e)
            if held is None or held is False:
                return otherwise(d, e)
            return then(d, e)

        return Code(one, single=True, copies=copies)
    if not test.single:
        copies = times_many(copies)
    tests, thens, others = test.outputs(), yes.outputs(), no.outputs()

    def run(d: Any, e: Any) -> Iterator[Any]:
        for held in tests(d, e):
            yield from (others if held is None or held is False else thens)(d, e)

    return Code(run, single=False, copies=copies)


def attempt(node: s.Try, c: Compiler) -> Code:
    """`try`, `?`: only errors of the body are caught, never those of what its outputs go to."""
    body = c.code(node.body)
    tried = body.outputs()
    if node.handler is None:

        def quiet(d: Any, e: Any) -> Iterator[Any]:
            try:
                yield from tried(d, e)
            except ExpressionFailure:
                return

        return Code(quiet, single=False, copies=body.copies)
    handler = c.code(node.handler)
    # What the handler sees may be a value that the body raised, so it counts as the body's output.
    copies = together(body.copies, through(handler.copies, body))
    if body.single and handler.single:
        run, handle = body.run, handler.run

        def one(d: Any, e: Any) -> Any:
            try:
                return run(d, e)
            except ExpressionFailure as failure:
                caught = failure
            return handle(caught.value, e)

        return Code(one, single=True, copies=together(copies, INPUT))
    handlers = handler.outputs()

    def many(d: Any, e: Any) -> Iterator[Any]:
        try:
            yield from tried(d, e)
        except ExpressionFailure as failure:
            caught = failure
        else:
            return
        yield from handlers(caught.value, e)

    return Code(many, single=False, copies=together(copies, INPUT))


def bind(node: s.Bind, c: Compiler) -> Code:
    """`source as pattern | body`."""
    source = c.code(node.source)
    before = dict(c.slots)
    setters, inner = _pattern(_only(node.patterns), c)
    body = c.code(node.body)
    c.slots = before
    copies = _unbound(body.copies, inner, source)
    given, then = source.run, body.run
    if source.single:

        def one(d: Any, e: Any) -> Any:
            setters(given(d, e), d, e)
            return then(d, e)

        return Code(one, single=body.single, copies=copies)
    bodies = body.outputs()

    def run(d: Any, e: Any) -> Iterator[Any]:
        for value in given(d, e):
            spend(e, 1)
            setters(value, d, e)
            yield from bodies(d, e)

    return Code(run, single=False, copies=copies)


def _only(patterns: tuple[s.Pattern, ...]) -> s.Pattern:
    first, *more = patterns
    if more:
        raise Unsupported
    return first


def _unbound(copies: Copies, inner: frozenset[str], source: Code) -> Copies:
    """Put the copies of what a source yields in the place of those of the names bound to it."""
    share = sum(copies.get(name, 0) for name in inner)
    rest: Copies = {name: count for name, count in copies.items() if name not in inner and count}
    if not source.single:
        rest = times_many(rest)
    held = {name: count * share for name, count in source.copies.items() if count and share}
    return together(rest, held)


def _pattern(
    pattern: s.Pattern, c: Compiler
) -> tuple[Callable[[Any, Any, Any], None], frozenset[str]]:
    """Return what stores a value's parts in slots, and the names under which copies count them."""
    if isinstance(pattern, s.NamePattern):
        slot = c.slot(pattern.name)

        def store(value: Any, _d: Any, e: Any) -> None:
            e[slot] = value

        return store, frozenset({f"#{slot}"})
    if isinstance(pattern, s.ArrayPattern):
        parts = [_pattern(item, c) for item in pattern.items]
        # jq takes the last item first, which decides the message when it is no array.
        stores = tuple(reversed([(at, store) for at, (store, _) in enumerate(parts)]))

        def spread(value: Any, d: Any, e: Any) -> None:
            for at, store in stores:
                store(index(value, at), d, e)

        return spread, frozenset[str]().union(*(names for _, names in parts))
    return _object_pattern(pattern, c)


def _object_pattern(
    pattern: s.ObjectPattern, c: Compiler
) -> tuple[Callable[[Any, Any, Any], None], frozenset[str]]:
    steps: list[tuple[Run, tuple[Callable[[Any, Any, Any], None], ...]]] = []
    names: frozenset[str] = frozenset()
    for name, key, inside in pattern.entries:
        by = c.single(key).run
        found = [_pattern(s.NamePattern(name), c)] if name is not None else []
        if inside is not None:
            found.append(_pattern(inside, c))
        steps.append((by, tuple(store for store, _ in found)))
        names = names.union(*(held for _, held in found))

    def spread(value: Any, d: Any, e: Any) -> None:
        for by, stores in steps:
            key = by(d, e)
            if key.__class__ is not str:
                raise ExpressionFailure("Object keys must be strings")
            part = index(value, key)
            for store in stores:
                store(part, d, e)

    return spread, names


def _fold_copies(source: Code, start: Code, update: Code, inner: frozenset[str]) -> Copies:
    """Return the copies that the state of a fold holds in the end.

    Linear when each turn holds the state at most once and nothing else but its own item; else many.
    """
    state = update.copies.get(".", 0)
    share = sum(update.copies.get(name, 0) for name in inner)
    others = times_many(
        {n: count for n, count in update.copies.items() if n != "." and n not in inner}
    )
    held = {name: count * share for name, count in source.copies.items() if count and share}
    copies = together(start.copies, held, others)
    return copies if state <= 1 else {**dict.fromkeys(copies, MANY), ".": MANY}


def reduce(node: s.Reduce, c: Compiler) -> Code:
    """`reduce`: the last output of the update is the next state; none makes it null."""
    source, start = c.code(node.source), c.single(node.start)
    before = dict(c.slots)
    setters, inner = _pattern(_only(node.patterns), c)
    update = c.code(node.update)
    c.slots = before
    copies = _fold_copies(source, start, update, inner)
    given, begin, then, single = source.outputs(), start.run, update.run, update.single

    def run(d: Any, e: Any) -> Any:
        state = begin(d, e)
        for value in given(d, e):
            spend(e, 1)
            setters(value, d, e)
            if single:
                state = then(state, e)
            else:
                outputs = then(state, e)
                state = None
                for state in outputs:  # noqa: B007 -- the last one stays
                    pass
        return state

    return Code(run, single=True, copies=copies)


def foreach(node: s.Foreach, c: Compiler) -> Code:
    """`foreach`: every state is an output, by way of the extract."""
    source, start = c.code(node.source), c.single(node.start)
    before = dict(c.slots)
    setters, inner = _pattern(_only(node.patterns), c)
    update = c.code(node.update)
    extract = c.code(node.extract or s.Identity())
    c.slots = before
    copies = _fold_copies(source, start, update, inner)
    # Every state is handed out: the parts of the first are held as often as there are states.
    copies = times_many(together(copies, extract.copies))
    given, begin, updates, extracts = (
        source.outputs(),
        start.run,
        update.outputs(),
        extract.outputs(),
    )

    def run(d: Any, e: Any) -> Iterator[Any]:
        state = begin(d, e)
        for value in given(d, e):
            spend(e, 1)
            setters(value, d, e)
            # An update without output leaves null for the next turn, as it does in jq.
            before, state = state, None
            for following in updates(before, e):
                spend(e, 1)
                state = following
                yield from extracts(state, e)

    return Code(run, single=False, copies=copies)
