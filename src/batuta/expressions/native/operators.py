"""Code for arithmetic, comparison, logic and `//`.

jq evaluates the right operand first and lets the left one vary fastest; so does this. What touches
whole values is charged when framed. The usual shapes (numbers, a text against a constant) are
decided here, the others in `arithmetic` and `values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.expressions import syntax as s
from batuta.expressions.arithmetic import OPERATIONS, negated
from batuta.expressions.failures import ExpressionFailure, decline
from batuta.expressions.native.code import SCALAR, Code, Compiler, times_many, together, weigh
from batuta.expressions.values import equal, less

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batuta.expressions.native.code import Run

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "!=": lambda a, b: not equal(a, b),
    "<": less,
    "<=": lambda a, b: not less(b, a),
    ">": lambda a, b: less(b, a),
    ">=": lambda a, b: not less(a, b),
}


def binary(node: s.Binary, c: Compiler) -> Code:
    """Arithmetic and comparison."""
    right, left = c.code(node.right), c.code(node.left)
    comparison = COMPARISONS.get(node.operator)
    if comparison is not None:
        return _compare(node, comparison, left, right, c)
    operation = OPERATIONS[node.operator]
    if left.single and right.single:
        return Code(
            _calculate(node.operator, left.run, right.run, c.framed),
            single=True,
            copies=together(left.copies, right.copies),
        )
    lefts, rights = left.outputs(), right.outputs()

    framed = c.framed

    def run(d: Any, e: Any) -> Iterator[Any]:
        meter = e if framed else None
        for b in rights(d, e):
            for a in lefts(d, e):
                yield operation(a, b, meter)

    copies = together(
        left.copies if right.single else times_many(left.copies),
        right.copies if left.single else times_many(right.copies),
    )
    return Code(run, single=False, copies=copies)


def _calculate(operator: str, left: Run, right: Run, framed: bool) -> Run:
    operation = OPERATIONS[operator]
    if framed:

        def metered(d: Any, e: Any) -> Any:
            b = right(d, e)
            return operation(left(d, e), b, e)

        return metered

    def run(d: Any, e: Any) -> Any:
        b = right(d, e)
        return operation(left(d, e), b, None)

    return run


def _compare(
    node: s.Binary,
    comparison: Callable[[Any, Any], bool],
    left: Code,
    right: Code,
    c: Compiler,
) -> Code:
    first, second, framed = left.run, right.run, c.framed
    if left.single and right.single:
        wanted = _constant_text(node.right)
        if wanted is not None and node.operator == "==":
            return Code(lambda d, e: first(d, e) == wanted, single=True, copies=SCALAR)

        def one(d: Any, e: Any) -> bool:
            b = second(d, e)
            a = first(d, e)
            if framed and (a.__class__ is list or a.__class__ is dict):
                weigh(a, e)
                weigh(b, e)
            return comparison(a, b)

        return Code(one, single=True, copies=SCALAR)
    lefts, rights = left.outputs(), right.outputs()

    def run(d: Any, e: Any) -> Iterator[bool]:
        for b in rights(d, e):
            for a in lefts(d, e):
                if framed and (a.__class__ is list or a.__class__ is dict):
                    weigh(a, e)
                    weigh(b, e)
                yield comparison(a, b)

    return Code(run, single=False, copies=SCALAR)


def _constant_text(node: s.Node) -> str | None:
    if isinstance(node, s.Text) and all(isinstance(part, str) for part in node.parts):
        return "".join(str(part) for part in node.parts)
    return None


def negate(node: s.Negate, c: Compiler) -> Code:
    """`-a`."""
    operand = c.code(node.operand)
    run = operand.run
    if operand.single:
        return Code(lambda d, e: negated(run(d, e)), single=True, copies=SCALAR)
    return Code(lambda d, e: map(negated, run(d, e)), single=False, copies=SCALAR)


def logic(node: s.Logic, c: Compiler) -> Code:
    """`and`, `or`: the right operand is only evaluated where it decides."""
    left, right = c.code(node.left), c.code(node.right)
    decided = node.operator == "or"
    if left.single and right.single:
        combine = _either if decided else _both
        return Code(combine(left.run, right.run), single=True, copies=SCALAR)
    lefts, rights = left.outputs(), right.outputs()

    def run(d: Any, e: Any) -> Iterator[bool]:
        for a in lefts(d, e):
            if (a is not None and a is not False) is decided:
                yield decided
            else:
                for b in rights(d, e):
                    yield b is not None and b is not False

    return Code(run, single=False, copies=SCALAR)


def _either(first: Run, second: Run) -> Run:
    def run(d: Any, e: Any) -> bool:
        a = first(d, e)
        if a is not None and a is not False:
            return True
        b = second(d, e)
        return b is not None and b is not False

    return run


def _both(first: Run, second: Run) -> Run:
    def run(d: Any, e: Any) -> bool:
        a = first(d, e)
        if a is None or a is False:
            return False
        b = second(d, e)
        return b is not None and b is not False

    return run


def alternative(node: s.Alternative, c: Compiler) -> Code:
    """`a // b`; an error in `a` is for the sandbox, since releases of jq disagree on it."""
    left, right = c.code(node.left), c.code(node.right)
    copies = together(left.copies, right.copies)
    if left.single and right.single:
        return Code(_or_else(left.run, right.run), single=True, copies=copies)
    lefts, rights = left.outputs(), right.outputs()

    def run(d: Any, e: Any) -> Iterator[Any]:
        found = False
        try:
            for a in lefts(d, e):
                if a is not None and a is not False:
                    found = True
                    yield a
        except ExpressionFailure:
            raise decline("an error on the left of //") from None
        if not found:
            yield from rights(d, e)

    return Code(run, single=False, copies=copies)


def _or_else(first: Run, second: Run) -> Run:
    def run(d: Any, e: Any) -> Any:
        try:
            a = first(d, e)
        except ExpressionFailure:
            raise decline("an error on the left of //") from None
        return second(d, e) if a is None or a is False else a

    return run
