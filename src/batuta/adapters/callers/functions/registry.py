"""The functions that workflows may call, by name and version.

Owns registration, lookup and description. Does not own importing (`loading`) or calling (`caller`).
Everything that does not change from call to call is worked out here, once, at registration.

A name may have several versions; without a version the newest release is meant. `@default` names
the runtime's own catalogue (DSL 1.0.3, "Custom and cataloged functions"), which this registry is.
"""

from __future__ import annotations

import difflib
import enum
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batuta.adapters.callers.functions.declare import (
    Declaration,
    checked,
    declaration_of,
    precedence,
)
from batuta.adapters.callers.functions.loading import import_spec, looks_like_a_file
from batuta.adapters.callers.functions.signature import Signature
from batuta.adapters.callers.functions.suspension import never_suspends
from batuta.errors import ConflictError, NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

CATALOGUE = "default"


class Style(enum.Enum):
    """How a function is run; decided once, from what it is."""

    DRIVEN = "driven"
    """An `async def` that cannot suspend: run to its end on the spot."""
    AWAITED = "awaited"
    """An `async def` that may suspend."""
    DIRECT = "direct"
    """A `def` whose author promised that it returns at once."""
    THREAD = "thread"
    """Any other `def`: it may block, so it must not run on the event loop."""


@dataclass(frozen=True, slots=True)
class RegisteredFunction:
    """A function ready to be called."""

    name: str
    version: str
    target: Callable[..., Any]
    style: Style
    signature: Signature
    doc: str

    def describe(self) -> dict[str, Any]:
        """Return name, version, input and output schema, and documentation, as plain JSON."""
        return {
            "name": self.name,
            "version": self.version,
            "input": self.signature.input_schema,
            "output": self.signature.output_schema,
            "doc": self.doc,
        }


class FunctionRegistry:
    """The runtime's default catalogue of functions."""

    def __init__(self) -> None:
        self._functions: dict[str, dict[str, RegisteredFunction]] = {}
        self._loaded: dict[str, tuple[str, ...]] = {}
        self.resolved: dict[str, RegisteredFunction] = {}
        """What `get` answered since the last registration; callers may read it, never write."""

    def add(self, target: Callable[..., Any]) -> RegisteredFunction:
        """Register one function, decorated or not; the same one again changes nothing.

        Raises:
            ConflictError: another function has this name and version.
            RequestError: it cannot be called by a workflow; says why.
        """
        function = _registered(target)
        self._insert(function)
        return self.get(f"{function.name}:{function.version}")

    def load(self, spec: str | Path) -> tuple[str, ...]:
        """Import `FILE.py` or a module, register its decorated functions, return their names.

        All of them or none: after an error nothing of the file is registered. Loading the same
        spec again changes nothing.

        Raises:
            RequestError: it cannot be imported (with file and line), or decorates no function.
            ConflictError: a name and version is taken by another function.
        """
        key = str(spec)
        if key not in self._loaded:
            module = import_spec(spec)
            functions = [_registered(found) for found in _decorated(module)]
            if not functions:
                raise _nothing_decorated(spec, module)
            before = {name: dict(versions) for name, versions in self._functions.items()}
            try:
                for function in functions:
                    self._insert(function)
            except ConflictError:
                self._functions = before
                self.resolved.clear()
                raise
            self._loaded[key] = tuple(sorted({function.name for function in functions}))
        return self._loaded[key]

    def get(self, name: str) -> RegisteredFunction:
        """Find `name`, `name:1.0.0` or `name:1.0.0@default`; the newest version without one.

        Raises:
            NotFoundError: nothing answers to it; names what is near.
        """
        found = self.resolved.get(name)
        if found is None:
            found = self.resolved[name] = self._find(name)
        return found

    def _find(self, name: str) -> RegisteredFunction:
        spoken, _, catalogue = name.partition("@")
        if catalogue not in ("", CATALOGUE):
            raise NotFoundError(
                f"function `{name}` is of catalogue `{catalogue}`, and Python functions are of "
                f"`{CATALOGUE}`",
                hint=f"call `{spoken}@{CATALOGUE}`, or declare the catalogue under `use.catalogs`",
            )
        bare, _, version = spoken.partition(":")
        versions = self._functions.get(bare)
        if versions is None:
            raise NotFoundError(
                f"there is no function `{bare}`", hint=_nearest(bare, list(self._functions))
            )
        if not version:
            return versions[max(versions, key=_release_first)]
        if version not in versions:
            known = ", ".join(sorted(versions, key=precedence))
            raise NotFoundError(
                f"function `{bare}` has no version {version}", hint=f"it has {known}"
            )
        return versions[version]

    def names(self) -> tuple[str, ...]:
        """Return every name, sorted, each once."""
        return tuple(sorted(self._functions))

    def describe(self) -> list[dict[str, Any]]:
        """Describe every version of every function, by name, then oldest version first."""
        return [
            self._functions[name][version].describe()
            for name in self.names()
            for version in sorted(self._functions[name], key=precedence)
        ]

    def _insert(self, function: RegisteredFunction) -> None:
        self.resolved.clear()
        versions = self._functions.setdefault(function.name, {})
        known = versions.setdefault(function.version, function)
        # Bound methods are made anew at each access, so equality and not identity.
        if known.target != function.target:
            raise ConflictError(
                f"two functions are called `{function.name}` {function.version}: "
                f"{_whereabouts(known.target)} and {_whereabouts(function.target)}",
                hint='rename one, or give it another version: @function(version="1.1.0")',
            )


def _registered(target: Callable[..., Any]) -> RegisteredFunction:
    if not callable(target) or isinstance(target, type):
        raise RequestError(
            f"{target!r} is not a function", hint="register a `def`, an `async def` or a method"
        )
    said = declaration_of(target) or checked(Declaration(getattr(target, "__name__", "")))
    if inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        raise RequestError(
            f"function `{said.name}` is a generator ({_whereabouts(target)}), and a task has one "
            "result",
            hint="return a list",
        )
    return RegisteredFunction(
        said.name,
        said.version,
        target,
        _style(target, said),
        Signature.of(target, said.name),
        inspect.getdoc(target) or "",
    )


def _style(target: Callable[..., Any], said: Declaration) -> Style:
    if never_suspends(getattr(target, "__code__", None)):
        return Style.DRIVEN
    # A plain wrapper around an `async def` (functools.wraps) returns its coroutine, and so does an
    # object whose `__call__` is one.
    makers = (target, inspect.unwrap(target), type(target).__call__)
    if any(inspect.iscoroutinefunction(maker) for maker in makers):
        return Style.AWAITED
    return Style.DIRECT if said.inline else Style.THREAD


def _decorated(module: ModuleType) -> list[Callable[..., Any]]:
    found = [value for value in vars(module).values() if declaration_of(value) is not None]
    return list({id(value): value for value in found}.values())


def _nothing_decorated(spec: str | Path, module: ModuleType) -> RequestError:
    plain = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    what = "file" if looks_like_a_file(spec) else "module"
    named = f" (it defines {', '.join(plain[:5])})" if plain else ""
    return RequestError(
        f"{what} `{spec}` decorates no function{named}",
        hint="put @batuta.function on each function that workflows may call",
    )


def _release_first(version: str) -> tuple[bool, tuple[int, int, int, bool, str]]:
    return "-" not in version, precedence(version)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    if not known:
        return "no functions are loaded: give a file or module of @batuta.function functions"
    return f"there are: {', '.join(sorted(known)[:12])}"


def _whereabouts(target: Any) -> str:
    code = getattr(inspect.unwrap(target), "__code__", None)
    if code is None:
        return repr(target)
    return f"{target.__qualname__} at {code.co_filename}:{code.co_firstlineno}"
