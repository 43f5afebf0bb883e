"""Declaring that a Python function may be called by workflows.

Owns the decorator `function` and the mark it leaves. The decorated function stays what it was: it
is called and tested like any other. Nothing is registered here (`registry` collects marks), so
importing a module of functions has no effect by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from batuta.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK = "__batuta_function__"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
# `call:` gives these words a meaning of their own (DSL 1.0.3, "Call"), so a function of that name
# could never be reached.
_TAKEN = frozenset({"http", "openapi", "asyncapi", "grpc", "a2a", "mcp"})
DEFAULT_VERSION = "1.0.0"

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the author said: the name and version to call it by, and whether it returns at once."""

    name: str
    version: str = DEFAULT_VERSION
    inline: bool = False


@overload
def function(target: F, /) -> F: ...
@overload
def function(
    *, name: str | None = None, version: str = DEFAULT_VERSION, inline: bool = False
) -> Callable[[F], F]: ...
def function(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    version: str = DEFAULT_VERSION,
    inline: bool = False,
) -> Any:
    """Declare a function that workflows may call.

    Works on `def` and `async def`, with or without parentheses. A `def` runs in a thread, so that
    it may block; an `async def` runs on the event loop.

    Args:
        target: the function, when used without parentheses.
        name: what workflows call it by; its own name unless given.
        version: a semantic version: `call: NAME:VERSION` picks it.
        inline: a promise that this `def` returns at once, so it runs on the event loop itself.

    Raises:
        RequestError: the name or the version cannot be written in a workflow, or the decorated
            thing is not a function.
    """

    def mark(fn: Any) -> Any:
        if not callable(fn) or isinstance(fn, type):
            raise RequestError(
                f"@function decorates {fn!r}, which is not a function",
                hint="put it on a `def` or `async def`; below @staticmethod when there is one",
            )
        setattr(fn, _MARK, checked(Declaration(name or fn.__name__, version, inline)))
        return fn

    return mark if target is None else mark(target)


def checked(declaration: Declaration) -> Declaration:
    """Return `declaration` when a workflow can name it.

    Raises:
        RequestError: it cannot.
    """
    name, version = declaration.name, declaration.version
    if not _NAME.fullmatch(name):
        raise RequestError(
            f"{name!r} cannot be the name of a function",
            hint="use letters, digits, '_', '-' and '.', and start with a letter or '_'",
        )
    if name in _TAKEN:
        raise RequestError(
            f"a function cannot be called {name!r}: `call: {name}` is the DSL's own",
            hint='give it another name: @function(name="...")',
        )
    if not _VERSION.fullmatch(version):
        raise RequestError(
            f"version {version!r} of function {name!r} is not a semantic version",
            hint='write three numbers: @function(version="1.0.0")',
        )
    return declaration


def declaration_of(candidate: Any) -> Declaration | None:
    """Return what `@function` said about `candidate`, or None when it is not decorated."""
    if not callable(candidate) or isinstance(candidate, type):
        return None
    found = getattr(candidate, _MARK, None)
    return found if isinstance(found, Declaration) else None


def precedence(version: str) -> tuple[int, int, int, bool, str]:
    """Return a key that sorts versions, the newest last (semver 2.0.0, section 11, simplified).

    Pre-releases sort before their release, and among themselves as text.
    """
    core, _, pre = version.partition("-")
    major, minor, patch = (int(part) for part in core.split("."))
    return major, minor, patch, not pre, pre
