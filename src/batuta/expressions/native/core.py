"""Code for paths, literals and construction.

The closures for what nearly every expression consists of (`.a`, `.a.b`, `$x`, `{k: .v}`) are
written out for their shapes: a loop over a general shape would cost more than the work itself.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import spend, spend_text
from batuta.expressions.failures import ExpressionFailure
from batuta.expressions.native.code import (
    INPUT,
    MANY,
    SCALAR,
    Code,
    Compiler,
    Unsupported,
    grown,
    through,
    times_many,
    together,
    weigh,
)
from batuta.expressions.native.formats import FORMATTERS, GROWTH
from batuta.expressions.values import cannot_index, index, show, slice_of, to_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.expressions.native.code import Copies, Run


_SHORT = 64


def identity(_node: s.Identity, _c: Compiler) -> Code:
    """`.`."""
    return Code(lambda d, _e: d, single=True, copies=INPUT)


def literal(node: s.Literal, _c: Compiler) -> Code:
    """A number, null, true, false."""
    value = node.value
    if value.__class__ is float and value in {float("inf"), float("-inf")}:
        raise Unsupported
    return Code(lambda _d, _e: value, single=True, copies=SCALAR)


def variable(node: s.Variable, c: Compiler) -> Code:
    """`$name`: a slot when the program binds it, else what the caller gave."""
    name = node.name
    slot = c.slots.get(name)
    if slot is not None:
        return Code(lambda _d, e: e[slot], single=True, copies={f"#{slot}": 1})
    copies = {f"${name}": 1}
    if c.framed:

        def framed(_d: Any, e: Any) -> Any:
            try:
                return e[1][name]
            except KeyError:
                raise ExpressionFailure(f"${name} is not defined") from None

        return Code(framed, single=True, copies=copies)

    def bare(_d: Any, e: Any) -> Any:
        try:
            return e[name]
        except KeyError:
            raise ExpressionFailure(f"${name} is not defined") from None

    return Code(bare, single=True, copies=copies)


def format_text(node: s.Format, c: Compiler) -> Code:
    """`@base64` and its like."""
    convert = FORMATTERS.get(node.name)
    if convert is None:
        raise Unsupported
    copies = grown(INPUT, GROWTH)
    if c.framed:
        return Code(lambda d, e: spend_text(e, convert(weigh(d, e))), single=True, copies=copies)
    return Code(lambda d, _e: convert(d), single=True, copies=copies)


def text(node: s.Text, c: Compiler) -> Code:
    """A string, with or without interpolation."""
    parts = node.parts
    if all(isinstance(part, str) for part in parts):
        value = "".join(str(part) for part in parts)
        held = SCALAR if len(value) <= _SHORT else {"#text": 1}
        return Code(lambda _d, _e: value, single=True, copies=held)
    convert = FORMATTERS.get(node.format)
    if convert is None:
        raise Unsupported
    copies: list[Copies] = [SCALAR]
    steps: list[Run] = []
    for part in parts:
        if isinstance(part, str):
            steps.append(_constant(part))
        else:
            code = c.single(part)
            steps.append(_piece(c, code.run, convert))
            copies.append(grown(code.copies, GROWTH))
    # jq builds the text from its end, so the last part that fails is the one that is reported.
    order = tuple(reversed(steps))

    def run(d: Any, e: Any) -> str:
        return "".join([step(d, e) for step in order][::-1])

    return Code(run, single=True, copies=together(*copies))


def _constant(value: str) -> Run:
    return lambda _d, _e: value


def _piece(c: Compiler, run: Run, convert: Any) -> Run:
    if c.framed:

        def framed(d: Any, e: Any) -> str:
            return spend_text(e, convert(weigh(run(d, e), e)))

        return framed
    if convert is to_text:

        def plain(d: Any, e: Any) -> str:
            value = run(d, e)
            return value if value.__class__ is str else to_text(value)

        return plain
    return lambda d, e: convert(run(d, e))


def array(node: s.ArrayOf, c: Compiler) -> Code:
    """`[...]`."""
    if node.body is None:
        return Code(lambda _d, _e: [], single=True, copies=SCALAR)
    parts = node.body.parts if isinstance(node.body, s.Comma) else (node.body,)
    codes = [c.code(part) for part in parts]
    copies = together(SCALAR, *(code.copies for code in codes))
    runs = tuple(code.run for code in codes)
    if all(code.single for code in codes):
        if len(runs) == 1:
            only = runs[0]
            return Code(lambda d, e: [only(d, e)], single=True, copies=copies)
        return Code(lambda d, e: [run(d, e) for run in runs], single=True, copies=copies)
    if len(runs) == 1:
        many = runs[0]
        return Code(lambda d, e: list(many(d, e)), single=True, copies=copies)
    every = tuple(code.outputs() for code in codes)

    def gather(d: Any, e: Any) -> list[Any]:
        return list(chain.from_iterable(run(d, e) for run in every))

    return Code(gather, single=True, copies=copies)


def construct(node: s.ObjectOf, c: Compiler) -> Code:
    """`{...}` with one value for each entry; several values are for the sandbox.

    (Releases of jq do not agree on the order of the products.)
    """
    codes = [(c.single(key), c.single(value)) for key, value in node.entries]
    copies = together(SCALAR, *(value.copies for _, value in codes))
    names = [_constant_key(key) for key, _ in node.entries]
    if all(name is not None for name in names):
        pairs = tuple((name, value.run) for name, (_, value) in zip(names, codes, strict=True))
        if len(pairs) == 1:
            ((name, only),) = pairs
            return Code(lambda d, e: {name: only(d, e)}, single=True, copies=copies)
        return Code(lambda d, e: {k: run(d, e) for k, run in pairs}, single=True, copies=copies)
    runs = tuple((key.run, value.run) for key, value in codes)

    def run(d: Any, e: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in runs:
            name = key(d, e)
            if name.__class__ is not str:
                value(d, e)
                raise ExpressionFailure(f"Cannot use {show(name)} as object key")
            made[name] = value(d, e)
        return made

    return Code(run, single=True, copies=copies)


def _constant_key(key: s.Node) -> str | None:
    if isinstance(key, s.Text) and all(isinstance(part, str) for part in key.parts):
        return "".join(str(part) for part in key.parts)
    return None


def at_key(node: s.Index, c: Compiler) -> Code:
    """`target[key]`."""
    name = _constant_key(node.key)
    if name is not None:
        return _field(node, name, c)
    key = c.code(node.key)
    target = c.code(node.target)
    if key.single and target.single:
        by, of = key.run, target.run

        def one(d: Any, e: Any) -> Any:
            wanted = by(d, e)
            return index(of(d, e), wanted)

        return Code(one, single=True, copies=target.copies)
    keys, targets = key.outputs(), target.outputs()

    def run(d: Any, e: Any) -> Iterator[Any]:
        for wanted in keys(d, e):
            for value in targets(d, e):
                yield index(value, wanted)

    copies = target.copies if key.single else times_many(target.copies)
    return Code(run, single=False, copies=copies)


def _field(node: s.Index, name: str, c: Compiler) -> Code:
    target = c.code(node.target)
    if not target.single:
        of = target.run

        def many(d: Any, e: Any) -> Iterator[Any]:
            for value in of(d, e):
                yield index(value, name)

        return Code(many, single=False, copies=target.copies)
    shape = _own_field(name) if isinstance(node.target, s.Identity) else _field_of(target.run, name)
    return Code(shape, single=True, copies=target.copies)


def _own_field(name: str) -> Run:
    def run(d: Any, _e: Any) -> Any:
        if d.__class__ is dict:
            return d.get(name)
        if d is None:
            return None
        raise cannot_index(d, name)

    return run


def _field_of(of: Run, name: str) -> Run:
    def run(d: Any, e: Any) -> Any:
        value = of(d, e)
        if value.__class__ is dict:
            return value.get(name)
        if value is None:
            return None
        raise cannot_index(value, name)

    return run


def cut(node: s.Slice, c: Compiler) -> Code:
    """`target[start:stop]` with single bounds."""
    nothing = s.Literal(None)
    start = c.single(node.start or nothing).run
    stop = c.single(node.stop or nothing).run
    target = c.code(node.target)
    of = target.run
    if target.single:

        def one(d: Any, e: Any) -> Any:
            first, last = start(d, e), stop(d, e)
            return slice_of(of(d, e), first, last)

        return Code(one, single=True, copies=target.copies)

    def run(d: Any, e: Any) -> Iterator[Any]:
        first, last = start(d, e), stop(d, e)
        for value in of(d, e):
            yield slice_of(value, first, last)

    return Code(run, single=False, copies=target.copies)


def items(value: Any, meter: Any) -> list[Any]:
    """Return what `.[]` yields, charged."""
    if value.__class__ is list:
        spend(meter, 1 + len(value))
        return value
    if value.__class__ is dict:
        spend(meter, 1 + len(value))
        return list(value.values())
    raise ExpressionFailure(f"Cannot iterate over {show(value)}")


def iterate(node: s.Iterate, c: Compiler) -> Code:
    """`target[]`."""
    c.need_frame()
    target = c.code(node.target)
    of = target.run
    if target.single:
        return Code(lambda d, e: iter(items(of(d, e), e)), single=False, copies=target.copies)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for value in of(d, e):
            yield from items(value, e)

    return Code(run, single=False, copies=target.copies)


def descend(_node: s.Descend, c: Compiler) -> Code:
    """`..`: every value in the input, parents first.

    All of them together are as many copies of the input as it is deep.
    """
    c.need_frame()
    return Code(descendants, single=False, copies={".": MANY})


def descendants(value: Any, meter: Any) -> Iterator[Any]:
    """Yield a value and everything in it, parents first."""
    pending: list[Any] = [value]
    while pending:
        item = pending.pop()
        spend(meter, 1)
        yield item
        if item.__class__ is list:
            pending.extend(reversed(item))
        elif item.__class__ is dict:
            pending.extend(reversed(list(item.values())))


def pipe(node: s.Pipe, c: Compiler) -> Code:
    """`a | b | c`."""
    with c.deeper(len(node.parts)):
        code = c.code(node.parts[0])
        for part in node.parts[1:]:
            code = piped(code, c.code(part))
            c.watch(code)
    return code


def piped(left: Code, right: Code) -> Code:
    """Return the code of `left | right`."""
    copies = through(right.copies, left)
    first, then = left.run, right.run
    if left.single:
        return Code(lambda d, e: then(first(d, e), e), single=right.single, copies=copies)
    if right.single:

        def mapped(d: Any, e: Any) -> Iterator[Any]:
            for value in first(d, e):
                yield then(value, e)

        return Code(mapped, single=False, copies=copies)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for value in first(d, e):
            yield from then(value, e)

    return Code(run, single=False, copies=copies)


def comma(node: s.Comma, c: Compiler) -> Code:
    """`a, b`."""
    codes = [c.code(part) for part in node.parts]
    runs = tuple(code.outputs() for code in codes)

    def run(d: Any, e: Any) -> Iterator[Any]:
        for part in runs:
            yield from part(d, e)

    return Code(run, single=False, copies=together(*(code.copies for code in codes)))
