"""What requests are made of, and the words in which they are refused.

Owns how a document is read, what counts as JSON, and errors that several requests share. Does not
own the requests (`engine`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import ConflictError, DefinitionError, NotFoundError, RequestError

if TYPE_CHECKING:
    from batuta.definition import Report


def read(source: str | Path) -> tuple[str | bytes, str]:
    """Return a document's text and a name for it.

    Raises:
        NotFoundError: there is no such file.
    """
    if isinstance(source, str) and "\n" in source:
        return source, "<text>"
    path = Path(source)
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read: {error.strerror}", hint="give the path of a workflow file"
        ) from error


def plain(value: Any, what: str) -> Any:
    """Return a value as the journal would give it back.

    Raises:
        RequestError: it is not JSON.
    """
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except Exception as error:
        raise RequestError(
            f"{what} is not JSON: {error}",
            hint="give null, texts, numbers, lists and objects only, none inside itself",
        ) from error


def there_is_one(run_id: str) -> ConflictError:
    """Return the error for a run id that is taken."""
    return ConflictError(
        f"there is a run {run_id} already", hint="ask for it, or start one with another id"
    )


def refused(report: Report) -> DefinitionError:
    """Return the error for a document that is not right, with every problem in it."""
    errors = [problem for problem in report.problems if problem.severity == "error"]
    text = "\n".join(problem.render() for problem in errors)
    return DefinitionError(text, tuple(errors))
