"""Random workflows: well-formed documents over every kind of task, for property tests.

Owns which documents are drawn. All of them pass the checks, and all of them can be brought to an
end: loops are short, retries are counted, jumps go forward, waits are seconds; only a listen may
wait for ever for events that nobody sends. What they compute is dull on purpose: expressions work
on any data, except for a few that fail for any, so that a run's course depends on answers, events
and times, which the test draws.

Needs hypothesis, which is not among Batuta's own dependencies: whoever tests with this has it.

The names in a document are few and known, so that a test can answer: tasks that act call one of
`ACTIONS`, compensations call `UNDO`, events have one of `EVENT_TYPES`, children are `CHILD`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeAlias

from hypothesis import strategies as st

Json: TypeAlias = Any
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]

ACTIONS = ("reserve", "charge", "ship")
"""The functions that tasks call."""

UNDO = "undo"
"""The function that compensations call."""

EVENT_TYPES = ("paid", "shipped", "stopped")
"""The types of the events that tasks emit and listen to."""

CHILD = "child"
"""The name of the sub-workflows that are run."""

LEAVES = ("call", "emit", "listen", "raise", "run", "set", "switch", "wait")
COMPOSITES = ("do", "for", "fork", "try")
KINDS = (*LEAVES, *COMPOSITES)

_VALUES = (".", "[.]", "$input", "$context", "type", "{was: type}", "$workflow.id", "$task.name")
_CONDITIONS = ("true", "false", ". == null", 'type == "object"', "$context != {}")
_FAULTY = "1 + {}"
_WEIGHTS = {"call": 8, "raise": 1}
_ERRORS = ("communication", "timeout", "runtime")
_TYPE = "https://serverlessworkflow.io/spec/1.0.0/errors/"


def workflows(
    *,
    depth: int = 3,
    kinds: Sequence[str] = KINDS,
    participants: Sequence[str] = (),
    extensions: bool = True,
) -> st.SearchStrategy[dict[str, Json]]:
    """Return a strategy for documents, as plain JSON.

    Args:
        depth: how many tasks may lie inside each other.
        kinds: the kinds of task to use, of `KINDS`; at least one of them a leaf.
        participants: names to spread the tasks that act over; each then names one of them.
        extensions: whether `use.extensions` may occur.
    """
    return st.composite(_workflow)(depth, tuple(kinds), tuple(participants), extensions)


def _workflow(
    draw: Draw,
    depth: int,
    kinds: tuple[str, ...],
    participants: tuple[str, ...],
    extensions: bool,
) -> dict[str, Json]:
    writer = _Writer(draw, kinds, participants)
    document: dict[str, Json] = {
        "dsl": "1.0.3",
        "namespace": "generated",
        "name": "workflow",
        "version": "1.0.0",
    }
    if participants:
        document["metadata"] = {
            "participants": {name: {} for name in participants},
            "participant": participants[0],
        }
    whole: dict[str, Json] = {"document": document}
    shared: dict[str, Json] = {"functions": {"shared": writer.task(1, ())}}
    if extensions and writer.one_in(6):
        around = writer.pick(("set", "call", "all", "composite"))
        beside = {"set": {"noted": "${ $task.name }"}}
        shared["extensions"] = [{"noting": {"extend": around, "before": [{"note": beside}]}}]
    whole["use"] = shared
    writer.functions = ("shared",)
    whole["do"] = writer.tasks(depth, (2, 3, 4, 5))
    if writer.one_in(8):
        whole["timeout"] = {"after": {"milliseconds": writer.pick((2_000, 20_000))}}
    if writer.one_in(8):
        whole["output"] = {"as": f"${{ {writer.pick(('.', '[.]', '$context', _FAULTY))} }}"}
    return whole


class _Writer:
    """Draws tasks, each with a name of its own."""

    def __init__(self, draw: Draw, kinds: tuple[str, ...], participants: tuple[str, ...]) -> None:
        self.draw = draw
        # Tasks that act make a run long; what ends one early must be rare.
        self.leaves = tuple(
            kind for kind in LEAVES if kind in kinds for _ in range(_WEIGHTS.get(kind, 2))
        )
        self.composites = tuple(kind for kind in COMPOSITES if kind in kinds)
        self.participants = participants
        self.functions: tuple[str, ...] = ()
        self._numbers: Iterator[int] = count()

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def one_in(self, times: int) -> bool:
        return self.draw(st.integers(1, times)) == times

    def tasks(self, depth: int, counts: Sequence[int] = (1, 2, 3)) -> list[dict[str, Json]]:
        names = [f"t{next(self._numbers)}" for _ in range(self.pick(counts))]
        return [{name: self.task(depth, names[place + 1 :])} for place, name in enumerate(names)]

    def task(self, depth: int, ahead: Sequence[str]) -> dict[str, Json]:
        """Return one task; `ahead` are the names that its `then` may jump to."""
        composite = depth > 1 and self.composites and not self.one_in(3)
        kind = self.pick(self.composites if composite else self.leaves)
        task: dict[str, Json] = getattr(self, f"_{kind}")(depth)
        if kind == "switch":
            task["switch"] = self._cases(ahead)
        elif self.one_in(8):
            task["then"] = self.pick(("continue", "exit", "end", *ahead))
        if "then" not in task and self.one_in(8):
            task["if"] = self.pick(_CONDITIONS)
        if self.one_in(8):
            task["timeout"] = {"after": {"milliseconds": self.pick((500, 3_000, 9_000))}}
        for member, key in (("input", "from"), ("output", "as"), ("export", "as")):
            if self.one_in(12):
                value = self.pick((*_VALUES[:6], _FAULTY) if self.one_in(4) else _VALUES[:1])
                task[member] = {key: f"${{ {self._readable(value, member)} }}"}
        self._metadata(task, kind)
        return task

    @staticmethod
    def _readable(value: str, member: str) -> str:
        # `$input` is not there yet while the input is being made.
        return "." if member == "input" and value == "$input" else value

    def _metadata(self, task: dict[str, Json], kind: str) -> None:
        metadata: dict[str, Json] = {}
        if self.participants and kind in {"call", "run", "listen", "emit", "wait"}:
            metadata["participant"] = self.pick(self.participants)
        if kind in {"call", "do", "run"} and self.one_in(2):
            metadata["compensate"] = {"call": UNDO, "with": {"what": "${ $output }"}}
        if kind in {"call", "set"} and self.one_in(10):
            metadata["event"] = "com.example.done.v1"
        if metadata:
            task["metadata"] = metadata

    def _call(self, _: int) -> dict[str, Json]:
        if self.functions and self.one_in(5):
            return {"call": self.pick(self.functions)}
        return {"call": self.pick(ACTIONS), "with": {"value": f"${{ {self.pick(_VALUES)} }}"}}

    def _run(self, _: int) -> dict[str, Json]:
        child = {"namespace": "generated", "name": CHILD, "version": "1.0.0"}
        run = self.pick(({"workflow": child}, {"shell": {"command": "true"}}))
        return {"run": {**run, "await": not self.one_in(3)}}

    def _emit(self, _: int) -> dict[str, Json]:
        event = {"source": "/generated", "type": self.pick(EVENT_TYPES), "data": "${ . }"}
        return {"emit": {"event": {"with": event}}}

    def _set(self, _: int) -> dict[str, Json]:
        value = _FAULTY if self.one_in(12) else self.pick(_VALUES)
        return {"set": {"value": f"${{ {value} }}"}}

    def _raise(self, _: int) -> dict[str, Json]:
        error = {"type": _TYPE + self.pick(_ERRORS), "status": self.pick((400, 500, 503))}
        return {"raise": {"error": error}}

    def _wait(self, _: int) -> dict[str, Json]:
        return {"wait": {"milliseconds": self.pick((0, 1, 700, 2_500))}}

    def _switch(self, _: int) -> dict[str, Json]:
        return {"switch": []}

    def _cases(self, ahead: Sequence[str]) -> list[dict[str, Json]]:
        targets = ("continue",) * 6 + ("exit", "end", *ahead)
        cases: list[dict[str, Json]] = [
            {f"case{place}": {"when": self.pick(_CONDITIONS), "then": self.pick(targets)}}
            for place in range(self.draw(st.integers(1, 2)))
        ]
        if self.one_in(2):
            cases.append({"default": {"then": self.pick(targets)}})
        return cases

    def _filter(self) -> dict[str, Json]:
        with_: dict[str, Json] = {"type": self.pick(EVENT_TYPES)}
        if self.one_in(5):
            with_["data"] = '${ type != "string" }'
        one: dict[str, Json] = {"with": with_}
        if self.one_in(5):
            one["correlate"] = {"key": {"from": ".key"}}
        return one

    def _listen(self, depth: int) -> dict[str, Json]:
        mode = self.pick(("one", "any", "all"))
        to: dict[str, Json] = {
            mode: self._filter()
            if mode == "one"
            else [self._filter() for _ in range(self.draw(st.integers(1, 2)))]
        }
        if mode == "any":
            until = self.pick((None, "length >= 2", {"one": self._filter()}, False))
            if until is not None:
                to["until"] = until
        task: dict[str, Json] = {"listen": {"to": to, "read": self.pick(("data", "envelope"))}}
        if depth > 1 and self.one_in(2):
            task["foreach"] = {"do": self.tasks(depth - 1)}
        return task

    def _do(self, depth: int) -> dict[str, Json]:
        return {"do": self.tasks(depth - 1)}

    def _for(self, depth: int) -> dict[str, Json]:
        loop: dict[str, Json] = {
            "for": {"in": self.pick(("[]", "[1]", "[1, 2]", "[1, 2, 3]"))},
            "do": self.tasks(depth - 1),
        }
        if self.one_in(4):
            loop["while"] = "$index < 2"
        return loop

    def _fork(self, depth: int) -> dict[str, Json]:
        names = [f"t{next(self._numbers)}" for _ in range(self.draw(st.integers(1, 3)))]
        branches = [{name: self.task(depth - 1, ())} for name in names]
        return {"fork": {"branches": branches, "compete": self.one_in(3)}}

    def _try(self, depth: int) -> dict[str, Json]:
        catch: dict[str, Json] = {}
        if self.one_in(4):
            catch["errors"] = {"with": {"type": _TYPE + self.pick(_ERRORS)}}
        if self.one_in(4):
            catch["when"] = self.pick((".status >= 500", "true", _FAULTY))
        if self.one_in(2):
            catch["retry"] = self._retry()
        if self.one_in(2):
            catch["do"] = self.tasks(depth - 1)
        if self.one_in(5):
            catch["then"] = self.pick(("continue", "exit", "end"))
        return {"try": self.tasks(depth - 1), "catch": catch}

    def _retry(self) -> dict[str, Json]:
        attempt: dict[str, Json] = {"count": self.draw(st.integers(1, 2))}
        if self.one_in(4):
            attempt["duration"] = {"milliseconds": self.pick((1, 1_000))}
        retry: dict[str, Json] = {"limit": {"attempt": attempt}}
        if self.one_in(2):
            retry["delay"] = {"milliseconds": self.pick((1, 1_000))}
            retry["backoff"] = {self.pick(("constant", "linear", "exponential")): {}}
        return retry


__all__ = ["ACTIONS", "CHILD", "EVENT_TYPES", "KINDS", "UNDO", "workflows"]
