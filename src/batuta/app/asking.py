"""What requests are made of, and the words in which they are refused.

Owns how a document is read, what counts as JSON, and errors that several requests share. Does not
own the requests (`engine`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import ConflictError, DefinitionError, NotFoundError, RequestError
from batuta.kernel.transition import iso8601
from batuta.ports.listing import RunFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batuta.definition import Report
    from batuta.ports.store import RunRow, Store


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


def cloud_event(
    event_type: str,
    data: Any,
    *,
    source: str,
    subject: str | None,
    event_id: str,
    at: int,
    attributes: dict[str, Any],
) -> dict[str, Any]:
    """Return an event that somebody publishes at `at` (epoch milliseconds).

    Raises:
        RequestError: it is none as CloudEvents 1.0 has them.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        "time": iso8601(at),
    }
    for name, value in attributes.items():
        if not (name.isalnum() and name.islower() and name.isascii()):
            raise RequestError(
                f"{name!r} is no name of an event attribute",
                hint="CloudEvents 1.0 allows lower case letters and digits only",
            )
        event[name] = value
    if subject is not None:
        event["subject"] = subject
    if data is not None:
        event["datacontenttype"] = "application/json"
        event["data"] = data
    for name in ("id", "source", "type"):
        if not isinstance(event[name], str) or not event[name]:
            raise RequestError(
                f"{event[name]!r} is no {name} of an event",
                hint="CloudEvents 1.0 wants a text that is not empty",
            )
    return plain(event, "the event")


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


def unended(store: Store, control: str) -> Iterator[RunRow]:
    """Yield the runs of a control model that have not ended, newest first."""
    where = RunFilter(control=control, statuses=("running", "waiting", "suspended"))
    before: str | None = None
    while True:
        page = store.runs(where, before=before)
        yield from page.rows
        before = page.next
        if before is None:
            return
