"""What of a workflow's data is secret: read off its schemas, and found in what its runs hold.

Owns which schema a payload is held against, and recognising a secret that has gone elsewhere. What
a schema marks (`definition.marks`) is followed by its place. An expression may copy it to another
place: there it is recognised by its value, where that is long enough not to be met by chance, or
else stands under the same name. What is computed of a secret (a part of it, a digest, another
encoding) is not recognised.

Nothing is shown of a run of which the secrets cannot be known, or are too many (`is_blind`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.choreography.hearing import heard_by
from batuta.choreography.types import Types
from batuta.choreography.within import roots_of, tasks_in
from batuta.definition import model
from batuta.definition.checks.secrecy import secret_keys
from batuta.definition.marks import Marks, marks_of
from batuta.kernel.faults import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REDACTED = "[redacted]"
"""Stands for what may not be shown; the page knows it."""
LEAST = 6
"""How many characters a text or number needs to be recognised wherever it stands."""
MOST_VALUES = 500
"""Of one run; with more, nothing of it is shown."""
VALIDATION = f"{STANDARD}validation"
HAND = "batutahand"
"""The attribute of an event in which participants hand their data on."""
_PLAIN = frozenset({"type", "status", "instance"})
_encode = msgspec.json.Encoder().encode


class TaskMarks(NamedTuple):
    """What the schemas of a task mark in what it is given, what it gives, and the context."""

    input: Marks | None
    output: Marks | None
    export: Marks | None


class Secrecy(NamedTuple):
    """What the schemas of a workflow mark.

    `tasks` are by reference; `types` says of types of events what is secret in their data; `keys`
    are the business keys that read something secret.
    """

    input: Marks | None
    output: Marks | None
    tasks: Mapping[str, TaskMarks]
    types: Mapping[str, Marks]
    keys: frozenset[str]


def secrecy_of(
    workflow: model.Workflow,
    functions: Mapping[str, model.Task],
    resources: Mapping[str, Any],
) -> Secrecy | None:
    """Return what a workflow marks, None when that is nothing.

    Args:
        workflow: as it was checked.
        functions: those from elsewhere that it calls.
        resources: its schemas from elsewhere, by URI.
    """

    def marks(flow: model.DataFlow | None) -> Marks | None:
        if flow is None or flow.schema is None:
            return None
        document = flow.schema.document
        if flow.schema.resource is not None:
            document = resources.get(str(flow.schema.resource.endpoint.uri))
        return marks_of(document, resources)

    given, gives = marks(workflow.input), marks(workflow.output)
    tasks: dict[str, TaskMarks] = {}
    types: dict[str, Marks] = {}
    named = Types(workflow, functions)
    if given is not None:
        types[named.start] = given
        types.update(_heard(workflow.schedule, given))
    for task in _tasks(workflow, functions):
        own = TaskMarks(marks(task.input), marks(task.output), marks(task.export))
        if any(one is not None for one in own):
            tasks[task.reference] = own
        if own.output is not None:
            types[named.completed(task.reference)] = own.output
            types[named.performed(task.reference)] = own.output
            types.update(_listened(task, own.output))
    if given is None and gives is None and not tasks:
        return None
    keys: frozenset[str] = frozenset()
    if given is not None:
        is_transformed = workflow.input is not None and workflow.input.transform is not None
        keys = secret_keys(workflow.keys, given, is_transformed=is_transformed)
    return Secrecy(given, gives, tasks, types, keys)


def _tasks(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> Iterator[model.Task]:
    for _, root in roots_of(workflow, functions):
        yield from tasks_in(root)


def _heard(schedule: model.Schedule | None, given: Marks) -> Iterator[tuple[str, Marks]]:
    """Yield what is secret in the events that start a run: its input is a list of them."""
    if schedule is not None and schedule.on is not None:
        item = given.item() if schedule.read == "data" else given.item().member("data")
        for type_ in heard_by(schedule.on) or ():
            yield type_, item


def _listened(task: model.Task, output: Marks) -> Iterator[tuple[str, Marks]]:
    """Yield what is secret in the events that a listen gives as they came."""
    if not isinstance(task, model.ListenTask) or task.iterator is not None:
        return
    if task.output is not None and task.output.transform is None:
        item = output.item() if task.read == "data" else output.item().member("data")
        for type_ in heard_by(task.to) or ():
            yield type_, item


class Secrets:
    """The secrets of one run, and what is left of its data without them."""

    def __init__(self, secrecy: Secrecy, *, is_blind: bool = False) -> None:
        self._secrecy = secrecy
        self.is_blind = is_blind
        """Whether secrets may be about that are not known: then nothing is shown."""
        self._texts: set[str] = set()
        self._named: set[tuple[str, bytes]] = set()

    # -- finding -----------------------------------------------------------------------------------

    def learn(self, marks: Marks | None, value: Any) -> None:
        """Take in what is marked in a value."""
        if marks is not None:
            marks.covered(value, self._learn)

    def learn_input(self, value: Any) -> None:
        """Take in what is marked in what the run was started with."""
        self.learn(self._secrecy.input, value)

    def learn_task(self, reference: str, given: Any, gave: Any) -> None:
        """Take in what is marked in what a task was given and gave."""
        own = self._secrecy.tasks.get(reference)
        if own is not None:
            self.learn(own.input, given)
            self.learn(own.output, gave)
            self.learn(own.export, gave)

    def _learn(self, name: str, value: Any) -> Any:
        waiting: list[tuple[str, Any]] = [(name, value)]
        while waiting and not self.is_blind:
            name, one = waiting.pop()
            if isinstance(one, dict):
                waiting += one.items()
            elif isinstance(one, list):
                waiting += ((name, inner) for inner in one)
            elif one is not None and one != "":
                self._keep(name, one)
        return REDACTED

    def _keep(self, name: str, value: str | float | bool) -> None:
        text = value if isinstance(value, str) else _encode(value).decode()
        if isinstance(value, bool) or len(text) < LEAST:
            self._named.add((name, _encode(value)))
        else:
            self._texts.add(text)
        self.is_blind |= len(self._texts) + len(self._named) > MOST_VALUES

    # -- hiding ------------------------------------------------------------------------------------

    def input(self, value: Any) -> Any:
        """Return what the run was started with, without what is secret."""
        return self._without(self._secrecy.input, value)

    def output(self, value: Any) -> Any:
        """Return what came of the run, without what is secret."""
        return self._without(self._secrecy.output, value)

    def task(self, reference: str, given: Any, gave: Any) -> tuple[Any, Any]:
        """Return what a task was given and gave, without what is secret."""
        own = self._secrecy.tasks.get(reference, _NO_MARKS)
        gave = _covered(own.export, gave)
        return self._without(own.input, given), self._without(own.output, gave)

    def error(self, error: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return a fault; what does not fit a schema is quoted in it, so there `detail` is gone."""
        if error is None:
            return None
        if self.is_blind:
            return blind_error(error)
        shown: dict[str, Any] = self.anything(error)
        if shown.get("type") == VALIDATION and "detail" in shown:
            shown["detail"] = REDACTED
        return shown

    def keys(self, keys: dict[str, Any]) -> dict[str, Any]:
        """Return business keys, without what is secret."""
        return self.anything(without_keys(self._secrecy, keys))

    def event(self, event: Any) -> Any:
        """Return a CloudEvent without what is secret; an `event` that is none, by its values."""
        if not isinstance(event, dict):
            return self.anything(event)
        shown = dict(event)
        if HAND in shown:
            shown[HAND] = REDACTED
        for name in ("data", "data_base64"):
            if name in shown:
                shown[name] = self._without(
                    self._secrecy.types.get(shown.get("type", "")), shown[name]
                )
        if self._secrecy.output is not None and _is_end(shown):
            shown["data"] = {**shown["data"], "output": self.output(shown["data"]["output"])}
        return shown if self.is_blind else self.anything(shown)

    def anything(self, value: Any) -> Any:
        """Return any value without what is recognised in it; when blind, nothing of it."""
        if self.is_blind:
            return withheld(value)
        if not self._texts and not self._named:
            return value
        return self._sifted("", value, tuple(sorted(self._texts, key=len, reverse=True)))

    def _without(self, marks: Marks | None, value: Any) -> Any:
        return self.anything(_covered(marks, value))

    def _sifted(self, name: str, value: Any, texts: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: self._sifted(key, one, texts) for key, one in value.items()}
        if isinstance(value, list):
            return [self._sifted(name, one, texts) for one in value]
        if value is None:
            return None
        if self._named and (name, _encode(value)) in self._named:
            return REDACTED
        if isinstance(value, str):
            for text in texts:
                if text in value:
                    value = value.replace(text, REDACTED)
            return value
        return REDACTED if _encode(value).decode() in self._texts else value


_NO_MARKS = TaskMarks(None, None, None)


def _covered(marks: Marks | None, value: Any) -> Any:
    return value if marks is None else marks.covered(value, lambda *_: REDACTED)


def _is_end(event: dict[str, Any]) -> bool:
    data = event.get("data")
    return str(event.get("type")).endswith(".ended") and isinstance(data, dict) and "output" in data


def withheld(value: Any) -> Any:
    """Return what is shown of a value of which nothing may be: whether it is there."""
    return value if value is None or isinstance(value, bool) else REDACTED


def blind_error(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what is shown of a fault when its texts may not be."""
    if error is None:
        return None
    return {name: one if name in _PLAIN else withheld(one) for name, one in error.items()}


def without_keys(secrecy: Secrecy, keys: dict[str, Any]) -> dict[str, Any]:
    """Return business keys without those that read something secret."""
    return {name: REDACTED if name in secrecy.keys else one for name, one in keys.items()}


def restored(given: Any, shown: Any, whole: Any, place: str = "") -> tuple[Any, list[str]]:
    """Put back what somebody did not see, where they have left it as it was shown.

    Args:
        given: what came back, edited.
        shown: what they were shown.
        whole: the same with its secrets.
        place: where in the value this is.

    Returns:
        The value, and the places at which something redacted came back that was not shown there.
    """
    if isinstance(given, str) and REDACTED in given:
        return (whole, []) if given == shown else (given, [place])
    if isinstance(given, dict):
        made: dict[str, Any] = {}
        wrong: list[str] = []
        for key, one in given.items():
            before = (_in(shown, key), _in(whole, key))
            made[key], more = restored(one, *before, f"{place}/{key}")
            wrong += more
        return made, wrong
    if isinstance(given, list):
        parts: list[Any] = []
        lost: list[str] = []
        for at, one in enumerate(given):
            was = _place_of(given, shown, at)
            before = (None, None) if was is None else (_in(shown, was), _in(whole, was))
            part, more = restored(one, *before, f"{place}/{at}")
            parts.append(part)
            lost += more
        return parts, lost
    return given, []


def _place_of(given: list[Any], shown: Any, at: int) -> int | None:
    """Return where an item of a list stood, None when that cannot be told.

    One that is just as it was shown may stand elsewhere now; else it is the one at its place, as
    long as none was added or taken away.
    """
    items = shown if isinstance(shown, list) else []
    same = [place for place, one in enumerate(items) if one == given[at]]
    if len(same) == 1:
        return same[0]
    return at if len(items) == len(given) else None


def _in(value: Any, at: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(at)
    if isinstance(value, list) and isinstance(at, int) and at < len(value):
        return value[at]
    return None
