"""The answer to a request: what an event from elsewhere means to the task that was asked for.

Whoever answers may be a service that we know nothing of. So nothing of an answer is taken on trust:
its type, the task that it names and the form of its data have to fit, and what does not is refused
with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.kernel.events import Failed, Performed
from batuta.kernel.faults import FaultData, standard
from batuta.runtime.shared.envelope import UnfitError

if TYPE_CHECKING:
    from batuta.kernel.commands import Perform
    from batuta.ports.secrets import HeldSecrets
    from batuta.runtime.shared.envelope import Envelope

ERRORS = range(400, 600)
"""The statuses that a fault may have (RFC 9110, sections 15.5 and 15.6)."""


class Answers(NamedTuple):
    """The types of the events that answer for a task."""

    completed: str
    faulted: str


def read_answer(
    answers: Answers,
    asked: Perform,
    type_: str,
    envelope: Envelope,
    secrets: HeldSecrets | None = None,
) -> Performed | Failed:
    """Return what an event means to the task that was asked for.

    Raises:
        UnfitError: it is no answer to that.
    """
    if envelope.batutatask not in {"", asked.reference}:
        raise UnfitError(
            f"it answers for {envelope.batutatask}, and its batutakey is that of {asked.reference}"
        )
    if type_ not in answers:
        raise UnfitError(f"its type is {type_}, expected {answers.completed} or {answers.faulted}")
    if type_ == answers.completed:
        output = data_of(envelope)
        if secrets is not None:
            output = secrets.redact(output)
        return Performed(asked.token, asked.key, output)
    return Failed(asked.token, asked.key, problem_of(data_of(envelope)))


def data_of(envelope: Envelope) -> Any:
    """Return an event's data.

    Raises:
        UnfitError: they are not JSON.
    """
    kind = (envelope.datacontenttype or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnfitError(f"its data are {kind}, expected application/json")
    if envelope.data_base64 is not None:
        raise UnfitError("its data are in data_base64, expected JSON in data")
    return msgspec.json.decode(envelope.data)


def problem_of(data: Any) -> FaultData:
    """Return the fault that problem details tell (RFC 9457, section 3).

    All members are optional there; a type that says nothing becomes the DSL's for a fault in what
    was performed. `instance` is a place in the service, not in the workflow, and is left out.

    Raises:
        UnfitError: they are no problem details.
    """
    try:
        told = msgspec.convert(data if data is not None else {}, _Problem)
    except msgspec.ValidationError as error:
        raise UnfitError(f"its data are no problem details (RFC 9457): {error}") from None
    status = told.status if told.status in ERRORS else 500
    kind = told.type if told.type and told.type != "about:blank" else "runtime"
    return standard(kind, status, told.title or "Fault", told.detail)


class _Problem(msgspec.Struct):
    type: str | None = None
    status: int = 500
    title: str | None = None
    detail: str | None = None
