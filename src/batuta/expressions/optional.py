"""`?` after a step: what exactly may fail quietly."""

from __future__ import annotations

from batuta.expressions import syntax as s


def optional(node: s.Node) -> s.Node:
    """Return `node?`: after an index, a slice or `[]` only that last step may fail.

    So `.a.b?` is `.a | try .b`. A computed key is evaluated before, outside of the `try`, and is
    bound to a name that no text can spell.
    """
    here = s.Identity()
    match node:
        case s.Iterate(target):
            return _after(target, s.Try(s.Iterate(here), None))
        case s.Index(target, key):
            if _is_constant(key):
                return _after(target, s.Try(s.Index(here, key), None))
            step = s.Try(s.Index(here, s.Variable("*key")), None)
            return s.Bind(key, (s.NamePattern("*key"),), _after(target, step))
        case s.Slice(target, start, stop):
            step = s.Try(s.Slice(here, s.Variable("*start"), s.Variable("*stop")), None)
            inner = s.Bind(stop or s.Literal(None), (s.NamePattern("*stop"),), _after(target, step))
            return s.Bind(start or s.Literal(None), (s.NamePattern("*start"),), inner)
        case _:
            return s.Try(node, None)


def _after(target: s.Node, step: s.Node) -> s.Node:
    return step if isinstance(target, s.Identity) else s.Pipe((target, step))


def _is_constant(key: s.Node) -> bool:
    match key:
        case s.Literal():
            return True
        case s.Text(_, parts):
            return all(isinstance(part, str) for part in parts)
        case s.Negate(operand):
            return isinstance(operand, s.Literal)
        case _:
            return False
