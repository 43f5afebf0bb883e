"""What is wrong with a document: where, what, what was expected, what to do.

Owns the value that a check hands out and the collector that the checks write into. Does not own
the codes (`codes`) nor the finding of problems. Positions count from 1, in characters, as editors
do. A place is a linked list from the leaf to the root while checks run, because rendering a JSON
Pointer for every value of a large document would cost more than checking it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from batuta.definition.codes import CODES, Code, Severity
from batuta.definition.model import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path: TypeAlias = "tuple[Path, str | int] | None"
"""None is the document itself; else (the place around it, the key or index in that)."""

_SHOWN = 80
_MOST_SEARCHED = 30


class Position(NamedTuple):
    """A place in the text; both count from 1."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One reason to refuse or to doubt a document.

    `reference` is a JSON Pointer (RFC 6901) to the value, or to what should have held it. `value`
    is the offending value as JSON text, shortened; `expected` and `hint` may be empty.
    """

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    reference: str
    message: str
    value: str = ""
    expected: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as a plain JSON object with the field names above."""
        return msgspec.to_builtins(self)

    def render(self) -> str:
        """Return `file:line:column: severity CODE message` and one indented line per detail."""
        lines = [
            f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code} {self.message}"
        ]
        details = (("value", self.value), ("expected", self.expected), ("hint", self.hint))
        lines += [f"  {name}: {text}" for name, text in details if text]
        return "\n".join(lines)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a check: the workflow when it is right, and every problem found."""

    workflow: Workflow | None
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when no problem is an error; `workflow` is then present."""
        return not any(problem.severity == "error" for problem in self.problems)


class Findings:
    """Collects problems; the same problem at the same place is kept once.

    One value may stand at several places, through aliases; its problems then share a position and
    the reader has one thing to mend.
    """

    def __init__(self, file: str, codes: Mapping[str, Code] = CODES) -> None:
        self._file = file
        self._codes = codes
        self._found: dict[tuple[str, int, int, str], Problem] = {}
        self._searched = 0

    def add(
        self,
        code: str,
        position: Position,
        path: Path,
        message: str,
        *,
        value: Any = None,
        expected: str = "",
        hint: str | Callable[[], str] = "",
    ) -> None:
        """Record a problem; `value` None means that there is no single value to show.

        A hint that is costly to find is given as a function. Of those only the first thirty are
        found: a document with more mistakes is mended in rounds, and must not cost minutes.
        """
        key = (code, position.line, position.column, message)
        if key in self._found:
            return
        if not isinstance(hint, str):
            self._searched += 1
            hint = hint() if self._searched <= _MOST_SEARCHED else ""
        self._found[key] = Problem(
            code=code,
            severity=self._codes[code].severity,
            file=self._file,
            line=position.line,
            column=position.column,
            reference=pointer(path),
            message=message,
            value="" if value is None else shown(value),
            expected=expected,
            hint=hint,
        )

    @property
    def refused(self) -> bool:
        """True once an error was recorded."""
        return any(problem.severity == "error" for problem in self._found.values())

    def problems(self) -> tuple[Problem, ...]:
        """Return what was found in the order of the text."""
        return tuple(sorted(self._found.values(), key=lambda found: (found.line, found.column)))


def shown(value: Any) -> str:
    """Return a value as JSON text short enough for one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def pointer(path: Path) -> str:
    """Return a place as a JSON Pointer."""
    tokens: list[str] = []
    while path is not None:
        path, token = path
        tokens.append(escaped(str(token)))
    return "".join("/" + token for token in reversed(tokens))


def escaped(token: str) -> str:
    """Return one token of a JSON Pointer as RFC 6901, section 3, says."""
    return token.replace("~", "~0").replace("/", "~1")
