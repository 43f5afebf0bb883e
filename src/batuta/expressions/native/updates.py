"""Code for what names places rather than values: assignment, `del`, `path`, `paths`, `map_values`.

The left side of an assignment is compiled to a *walk*: from a value to pairs of a path and what
stands there. Only what selects places has one (`.a`, `.[k]`, `.[]`, `|`, `,`, `?`, `if`, `select`,
`..`, `first`); anything else on the left is for the sandbox, error messages included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import OPERATIONS, spend
from batuta.expressions.failures import ExpressionFailure
from batuta.expressions.native.code import (
    CONSTANT,
    INPUT,
    Code,
    Compiler,
    Unsupported,
    times_many,
    together,
)
from batuta.expressions.native.paths import Path, delete_all, get_at, set_at
from batuta.expressions.values import index, show

Walk: TypeAlias = Callable[[Path, Any, Any], Iterator[tuple[Path, Any]]]


def walk(node: s.Node, c: Compiler) -> Walk:  # noqa: C901, PLR0911, PLR0912 -- a table, as a match
    """Compile an expression that names places."""
    c.need_frame()
    match node:
        case s.Identity():
            return lambda p, d, _e: iter(((p, d),))
        case s.Descend():
            return _descend
        case s.Index():
            return _index(node, c)
        case s.Iterate():
            return _iterate(walk(node.target, c))
        case s.Pipe():
            return _pipe([walk(part, c) for part in node.parts])
        case s.Comma():
            return _comma([walk(part, c) for part in node.parts])
        case s.Try(body, None):
            return _try(walk(body, c))
        case s.If():
            return _choice(node, c)
        case s.Call("select", (test,), own=False):
            return _select(c.code(test).outputs())
        case s.Call("first", (inside,), own=False):
            return _first(walk(inside, c))
        case s.Call("empty", (), own=False):
            return lambda _p, _d, _e: iter(())
        case s.Call("recurse", (), own=False):
            return _descend
        case _:
            raise Unsupported


def _index(node: s.Index, c: Compiler) -> Walk:
    keys, target = c.code(node.key).outputs(), walk(node.target, c)

    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for key in keys(d, e):
            for path, value in target(p, d, e):
                spend(e, 1)
                yield (*path, key), index(value, key)

    return run


def _iterate(target: Walk) -> Walk:
    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for path, value in target(p, d, e):
            yield from _children(path, value, e)

    return run


def _children(path: Path, value: Any, meter: Any) -> Iterator[tuple[Path, Any]]:
    if value.__class__ is list:
        spend(meter, 1 + len(value))
        for at, item in enumerate(value):
            yield (*path, at), item
    elif value.__class__ is dict:
        spend(meter, 1 + len(value))
        for key, item in value.items():
            yield (*path, key), item
    else:
        raise ExpressionFailure(f"Cannot iterate over {show(value)}")


def _descend(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
    pending: list[tuple[Path, Any]] = [(p, d)]
    while pending:
        path, value = pending.pop()
        spend(e, 1 + len(path))
        yield path, value
        if value.__class__ is list or value.__class__ is dict:
            pending.extend(reversed(list(_children(path, value, e))))


def _pipe(walks: list[Walk]) -> Walk:
    first, *rest = walks
    if not rest:
        return first
    then = _pipe(rest)

    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for path, value in first(p, d, e):
            yield from then(path, value, e)

    return run


def _comma(walks: list[Walk]) -> Walk:
    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for part in walks:
            yield from part(p, d, e)

    return run


def _try(body: Walk) -> Walk:
    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        try:
            yield from body(p, d, e)
        except ExpressionFailure:
            return

    return run


def _choice(node: s.If, c: Compiler) -> Walk:
    branches = [(c.code(test).outputs(), walk(body, c)) for test, body in node.branches]
    if len(branches) > 1:
        raise Unsupported
    ((tests, yes),) = branches
    no = walk(node.otherwise or s.Identity(), c)

    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for held in tests(d, e):
            yield from (no if held is None or held is False else yes)(p, d, e)

    return run


def _select(tests: Callable[[Any, Any], Iterator[Any]]) -> Walk:
    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for held in tests(d, e):
            if held is not None and held is not False:
                yield p, d

    return run


def _first(inside: Walk) -> Walk:
    def run(p: Path, d: Any, e: Any) -> Iterator[tuple[Path, Any]]:
        for found in inside(p, d, e):
            yield found
            return

    return run


# -- assignment ------------------------------------------------------------------------------------


def assign(node: s.Assign, c: Compiler) -> Code:
    """`=`, `|=` and the arithmetic ones."""
    places = walk(node.target, c)
    value = c.code(node.value)
    if node.operator == "|=":
        return _modify(places, value)
    operator = node.operator[:-1]
    values = value.outputs()
    put = _put if not operator else _operate(operator)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for new in values(d, e):
            state = d
            for path, _ in places((), d, e):
                spend(e, 1)
                state = set_at(state, path, put(get_at(state, path), new, e), e)
            yield state

    # The new value may be put in many places.
    copies = together(INPUT, times_many(value.copies))
    if isinstance(node.target, s.Index) and value.single:
        copies = together(INPUT, value.copies)
    if not value.single:
        return Code(run, single=False, copies=copies)
    return Code(lambda d, e: next(run(d, e)), single=True, copies=copies)


def _put(_old: Any, new: Any, _meter: Any) -> Any:
    return new


def _operate(operator: str) -> Callable[[Any, Any, Any], Any]:
    if operator == "//":
        return lambda old, new, _e: new if old is None or old is False else old
    return OPERATIONS[operator]


def _modify(places: Walk, value: Code) -> Code:
    """Return the code of `places |= value`: the first output, or the removal of the place."""
    outputs = value.outputs()

    def run(d: Any, e: Any) -> Any:
        state, gone = d, list[Path]()
        for path, _ in places((), d, e):
            spend(e, 1)
            for new in outputs(get_at(state, path), e):
                state = set_at(state, path, new, e)
                break
            else:
                gone.append(path)
        return delete_all(state, gone, e) if gone else state

    several = value.copies.get(".", 0) > 1
    copies = times_many(value.copies, but=CONSTANT if several else ".")
    return Code(run, single=True, copies=together(INPUT, copies))


# -- functions over places -------------------------------------------------------------------------


def map_values(node: s.Call, c: Compiler) -> Code:
    """`map_values(f)`, which is `.[] |= f`, without a path for every item."""
    c.need_frame()
    value = c.code(node.arguments[0])
    outputs = value.outputs()

    def run(d: Any, e: Any) -> Any:
        if d.__class__ is dict:
            spend(e, 1 + len(d))
            return {key: new for key, item in d.items() for new in _one(outputs(item, e))}
        if d.__class__ is list:
            spend(e, 1 + len(d))
            return [new for item in d for new in _one(outputs(item, e))]
        raise ExpressionFailure(f"Cannot iterate over {show(d)}")

    copies = times_many(value.copies, but=".")
    return Code(run, single=True, copies=copies)


def _one(outputs: Iterator[Any]) -> Iterator[Any]:
    for value in outputs:
        yield value
        return


def delete(node: s.Call, c: Compiler) -> Code:
    """`del(f)`."""
    places = walk(node.arguments[0], c)
    return Code(
        lambda d, e: delete_all(d, [path for path, _ in places((), d, e)], e),
        single=True,
        copies=INPUT,
    )


def path_of(node: s.Call, c: Compiler) -> Code:
    """`path(f)`."""
    places = walk(node.arguments[0], c)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for path, _ in places((), d, e):
            spend(e, 1 + len(path))
            yield list(path)

    return Code(run, single=False, copies=INPUT)


def all_paths(node: s.Call, c: Compiler) -> Code:
    """`paths`, `paths(f)`."""
    c.need_frame()
    tests = c.code(node.arguments[0]).outputs() if node.arguments else None

    def run(d: Any, e: Any) -> Iterator[Any]:
        for path, value in _descend((), d, e):
            for held in tests(value, e) if tests else (True,):
                if path and held is not None and held is not False:
                    yield list(path)

    return Code(run, single=False, copies={"#paths": 1})


def read_path(node: s.Call, c: Compiler) -> Code:
    """`getpath(p)`."""
    path = c.single(node.arguments[0]).run

    def run(d: Any, e: Any) -> Any:
        at = path(d, e)
        if at.__class__ is not list:
            raise ExpressionFailure("Path must be specified as an array")
        return get_at(d, tuple(at))

    return Code(run, single=True, copies=INPUT)


def write_path(node: s.Call, c: Compiler) -> Code:
    """`setpath(p; v)`."""
    c.need_frame()
    path, value = c.single(node.arguments[0]).run, c.single(node.arguments[1])
    new = value.run

    def run(d: Any, e: Any) -> Any:
        at = path(d, e)
        if at.__class__ is not list:
            raise ExpressionFailure("Path must be specified as an array")
        return set_at(d, tuple(at), new(d, e), e)

    return Code(run, single=True, copies=together(INPUT, value.copies))
