"""What one participant receives and sends, as an AsyncAPI document.

Owns the translation. For a service that is not ours it is all that its team needs: the requests
that come, the answers that are awaited, and the attributes that have to be passed back. For a
participant of ours it is what others may see of it; the hand that its events carry besides means
something to its like only, and is said to be opaque.

Schemas are those that the workflow declares (`output.schema` of a task whose answer is not changed
by an `output.as`, `input.schema` for the start). Of a request's data is said what the document says
about it: the members of `with`, and the values that are not computed.

Source: AsyncAPI 3.0.0; CloudEvents 1.0, "JSON Event Format"; RFC 9457 (problem details).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.choreography.hearing import heard_by
from batuta.definition import model
from batuta.expressions import unwrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.choreography.projection import Part, Projection

_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_TEXT = {"type": "string"}
_EVENT = "CloudEvent 1.0 in its JSON format."
_CORRELATION = {
    "batutarun": "The run that this belongs to. Pass it back as it is.",
    "batutatask": "The task, as a JSON Pointer into the workflow. Pass it back as it is.",
    "batutakey": "The occurrence of the task in the run. Pass it back as it is: it tells answers "
    "apart when a task is tried again or stands in a loop.",
}
_ABOUT_REQUESTS = {
    "batutaattempt": "The number of this attempt of the task, from 1.",
    "batutaidempotency": "The same in every attempt: what has been done under it is not to be done "
    "a second time, but answered again.",
    "batutadeadline": "When nobody waits for the answer any more (RFC 3339). Absent: for ever.",
    "batutaworkflow": "Namespace, name and version of the workflow.",
    "batutadigest": "SHA-256 of the workflow's content.",
}
_EXTERNAL = """\
Receive each request, do what it asks, and answer with exactly one event: completed, with the \
output as data, or faulted, with problem details (RFC 9457). Requests come at least once: an `id` \
that was seen before is the same request, and gets the same answer. Pass the correlation \
attributes back as they came. Over NATS, consume and publish structured JSON on the subjects that \
the channels name, each message with a `Nats-Msg-Id` of its own. Over HTTP, requests are posted \
as application/cloudevents+json, and the response is the answer."""
_OURS = """\
What this participant hears and publishes while nobody conducts. Control travels in the attribute \
`batutahand`, which only a process of Batuta reads. To let something else do this participant's \
calls, declare it `external: true` in the workflow: its contract then has requests and answers."""


class _Message(NamedTuple):
    """An event: its type, what it tells, its attributes' schema, and that of its data."""

    type: str
    summary: str
    frame: str
    data: Any


def contract(projection: Projection, tasks: Mapping[str, model.Task], name: str) -> dict[str, Any]:
    """Return the AsyncAPI 3.0.0 document of one participant, as plain JSON.

    Args:
        projection: of the workflow.
        tasks: all its tasks by reference (`within.tasks_of`).
        name: the participant.
    """
    return _Contract(projection, tasks, projection.parts[name]).document()


class _Contract:
    def __init__(self, projection: Projection, tasks: Mapping[str, model.Task], part: Part) -> None:
        self._projection = projection
        self._types = projection.types
        self._tasks = tasks
        self._part = part
        self._channels: dict[str, Any] = {}
        self._operations: dict[str, Any] = {}
        self._messages: dict[str, Any] = {}
        self._frames: dict[str, Any] = {}
        self._keys: dict[str, str] = {}

    def document(self) -> dict[str, Any]:
        workflow, part = self._projection.workflow, self._part
        if part.external:
            self._asked()
        else:
            self._ours()
        declared = workflow.participants.get(part.name)
        title = declared.title if declared is not None and declared.title else part.name
        return {
            "asyncapi": "3.0.0",
            "info": {
                "title": f"{title} in {workflow.document.namespace}/{workflow.document.name}",
                "version": workflow.document.version,
                "description": _EXTERNAL if part.external else _OURS,
            },
            "defaultContentType": "application/cloudevents+json",
            "channels": self._channels,
            "operations": self._operations,
            "components": {"messages": self._messages, "schemas": self._frames},
        }

    # -- what is exchanged -------------------------------------------------------------------------

    def _asked(self) -> None:
        """Note requests and answers, task by task."""
        for reference in self._part.tasks:
            task, name = self._tasks[reference], self._types.names[reference]
            request = f"Asks for `{name}`. Its data are the arguments."
            data = arguments_schema(task)
            asked = _Message(self._types.requested(reference), request, "Request", data)
            self._operation("receive", asked)
            done = _Message(
                self._types.performed(reference),
                f"Answers that `{name}` is done. Its data are the output.",
                "Answer",
                None if _is_changed(task) else _schema(task.output),
            )
            self._operation("send", done)
            self._operation("send", self._faulted(reference, "Answer"))

    def _ours(self) -> None:
        """Note what the rules name, and events of the world."""
        heard = {type_ for rule in self._part.rules for type_ in rule.on}
        published = {type_ for rule in self._part.rules for type_ in rule.publish}
        for reference in self._part.tasks:
            task = self._tasks[reference]
            if isinstance(task, model.ListenTask):
                heard |= heard_by(task.to) or set()
        known = self._known()
        for action, types in (("receive", heard), ("send", published)):
            for type_ in sorted(types):
                self._operation(action, known.get(type_) or _Message(type_, "", "Event", None))

    def _known(self) -> dict[str, _Message]:
        """Return what is known of the types that participants tell each other."""
        types = self._types
        given = _schema(self._projection.workflow.input)
        known = {
            types.start: _Message(
                types.start, "A run begins. Its data are the input.", "Hand", given
            ),
            types.ended: _Message(types.ended, "A run has ended.", "Hand", None),
            types.control: _Message(types.control, "A run is asked for something.", "Hand", None),
            types.handover: _Message(types.handover, "Control goes on.", "Hand", None),
        }
        for reference, name in types.names.items():
            done = f"`{name}` is done. Its data are the output."
            data = _schema(self._tasks[reference].output) if reference in self._part.tasks else None
            completed = types.completed(reference)
            known[completed] = _Message(completed, done, "Hand", data)
            known[types.faulted(reference)] = self._faulted(reference, "Hand")
            asked = types.requested(reference)
            known[asked] = _Message(asked, f"Asks for `{name}`.", "Request", None)
        return known

    def _faulted(self, reference: str, frame: str) -> _Message:
        name = self._types.names[reference]
        self._frames.setdefault("Problem", _PROBLEM)
        summary = f"`{name}` cannot be done. Its data are problem details."
        return _Message(self._types.faulted(reference), summary, frame, _PROBLEM_REF)

    # -- AsyncAPI ----------------------------------------------------------------------------------

    def _operation(self, action: str, message: _Message) -> None:
        key = self._key(message.type)
        if key not in self._channels:
            self._channel(key, message)
        self._operations[f"{action}-{key}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/event"}],
            **({"summary": message.summary} if message.summary else {}),
        }

    def _channel(self, key: str, message: _Message) -> None:
        self._channels[key] = {
            "address": message.type,
            "description": f"Events of type `{message.type}`; on NATS the subject "
            f"`batuta.events.{message.type}`, unless the bus names another stream.",
            "messages": {"event": {"$ref": f"#/components/messages/{key}"}},
        }
        self._frames.setdefault(message.frame, _FRAMES[message.frame])
        told: dict[str, Any] = {"type": {"const": message.type}}
        if message.data is not None:
            place = f"#/components/messages/{key}/payload/allOf/1/properties/data"
            told["data"] = message.data
            if message.data is not _PROBLEM_REF:
                told["data"] = _rebased(message.data, place)
        body: dict[str, Any] = {
            "name": message.type,
            "contentType": "application/cloudevents+json",
            "payload": {
                "allOf": [
                    {"$ref": f"#/components/schemas/{message.frame}"},
                    {"type": "object", "properties": told},
                ]
            },
        }
        if message.summary:
            body["summary"] = message.summary
        if message.frame in {"Request", "Answer"}:
            body["correlationId"] = {
                "description": "With `batutarun`, which request is answered.",
                "location": "$message.payload#/batutakey",
            }
        self._messages[key] = body

    def _key(self, type_: str) -> str:
        """Return how a type is called inside of the document: its end, in plain signs."""
        key = self._keys.get(type_)
        if key is None:
            short = type_.removeprefix(f"{self._types.prefix}.")
            plain = key = _STRANGE.sub("-", short).strip("-") or "event"
            number = 1
            while key in self._keys.values():
                number += 1
                key = f"{plain}-{number}"
            self._keys[type_] = key
        return key


def arguments_schema(task: model.Task) -> Any:
    """Return what the document says of a call's arguments: names, and what is not computed."""
    arguments = task.arguments if isinstance(task, model.CallTask) else {}
    return _template_schema(arguments)


def _template_schema(template: Any) -> Any:
    match template:
        case str() as text if (program := unwrap(text)) is not None:
            return {"description": f"Computed by `{program}`."}
        case dict():
            properties = {str(key): _template_schema(value) for key, value in template.items()}
            return {"type": "object", "properties": properties, "required": list(properties)}
        case list():
            return {"type": "array", "items": [_template_schema(value) for value in template]}
        case _:
            return {"const": template}


def _is_changed(task: model.Task) -> bool:
    return task.output is not None and task.output.transform is not None


def _schema(flow: model.DataFlow | None) -> Any:
    """Return the schema that is declared for data, if it is one for JSON."""
    if flow is None or flow.schema is None or not flow.schema.format.startswith("json"):
        return None
    if flow.schema.resource is not None:
        uri = flow.schema.resource.endpoint.uri
        return {"$ref": uri} if isinstance(uri, str) and unwrap(uri) is None else None
    return flow.schema.document


def _rebased(schema: Any, place: str) -> Any:
    """Return a schema whose references into itself are right at its place in a document."""
    match schema:
        case dict():
            return {
                key: f"{place}{value[1:]}"
                if key == "$ref" and isinstance(value, str) and (value == "#" or value[:2] == "#/")
                else _rebased(value, place)
                for key, value in schema.items()
            }
        case list():
            return [_rebased(one, place) for one in schema]
        case _:
            return schema


def _frame(description: str, required: tuple[str, ...], more: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": ["specversion", "id", "source", "type", *required],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**_TEXT, "minLength": 1},
            "source": {**_TEXT, "format": "uri-reference", "minLength": 1},
            "type": _TEXT,
            "subject": _TEXT,
            "time": {**_TEXT, "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": {},
            **{name: {**_TEXT, "description": said} for name, said in more.items()},
        },
    }


_RUN = {name: said.partition(" Pass")[0] for name, said in _CORRELATION.items()}
_FRAMES: dict[str, Any] = {
    "Request": _frame(
        f"{_EVENT} It asks for a task.",
        ("data", "batutarun", "batutatask", "batutakey", "batutaidempotency"),
        {**_CORRELATION, **_ABOUT_REQUESTS},
    ),
    "Answer": _frame(
        f"{_EVENT} It answers a request. Over HTTP the correlation may be left out.",
        ("batutarun", "batutakey"),
        _CORRELATION,
    ),
    "Hand": _frame(
        f"{_EVENT} It may carry control, in `batutahand`.",
        ("batutarun",),
        {
            **_RUN,
            "batutaworkflow": _ABOUT_REQUESTS["batutaworkflow"],
            "batutadigest": _ABOUT_REQUESTS["batutadigest"],
            "batutafrom": "The participant that publishes it.",
            "batutahand": "Opaque: where control goes, for processes of Batuta.",
        },
    ),
    "Event": _frame(f"{_EVENT} It is the business's own.", (), {}),
}
_FRAMES["Request"]["properties"]["batutaattempt"] = {
    "type": "integer",
    "minimum": 1,
    "description": _ABOUT_REQUESTS["batutaattempt"],
}
_PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457). All members may be left out.",
    "properties": {
        "type": {**_TEXT, "format": "uri-reference", "description": "Which fault; for `catch`."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "title": _TEXT,
        "detail": _TEXT,
    },
}
