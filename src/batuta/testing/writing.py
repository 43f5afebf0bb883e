"""Writing random tasks, each with a name of its own, by whatever makes the choices.

Owns what tasks there are in a random document (`generator` says which documents), and who performs
them. A task that acts names its participant, except where somebody else's counts: inside a function
it may leave that to the call; an emit or a wait may leave it to whoever holds the token, in a
document without a default.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

Json: TypeAlias = Any

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

UNHURRIED = 1_000
"""How many times as long everything takes in an unhurried document."""

_ACTING = frozenset({"call", "run", "listen", "emit", "wait"})
_VALUES = (".", "[.]", "$input", "$context", "type", "{was: type}", "$workflow.id", "$task.name")
_CONDITIONS = ("true", "false", ". == null", 'type == "object"', "$context != {}")
_FAULTY = "1 + {}"
_WEIGHTS = {"call": 8, "raise": 1}
_ERRORS = ("communication", "timeout", "runtime")
_TYPE = "https://serverlessworkflow.io/spec/1.0.0/errors/"


class Choices(Protocol):
    """Whatever decides."""

    def pick(self, choices: Sequence[Any], /) -> Any:
        """Return one of them."""

    def number(self, low: int, high: int, /) -> int:
        """Return a number from low to high."""
        ...


@dataclass(frozen=True, slots=True)
class Manner:
    """What documents are to be like: see `generator.workflows`."""

    kinds: tuple[str, ...]
    participants: tuple[str, ...]
    extensions: bool
    unhurried: bool


class Writer:
    """Writes one document."""

    def __init__(self, choices: Choices, manner: Manner) -> None:
        self.pick = choices.pick
        self.number = choices.number
        self.manner = manner
        # Tasks that act make a run long; what ends one early must be rare.
        self._leaves = tuple(
            kind for kind in LEAVES if kind in manner.kinds for _ in range(_WEIGHTS.get(kind, 2))
        )
        self._composites = tuple(kind for kind in COMPOSITES if kind in manner.kinds)
        self._functions: tuple[str, ...] = ()
        self._numbers = count()
        self._pace = UNHURRIED if manner.unhurried else 1
        # What counts for the task being written, from what lies around it.
        self._listener: str | None = None
        self._in_function = False
        self._default: str | None = None
        self._in_branch = False
        self._iterates = True
        self._endless = False

    def one_in(self, times: int) -> bool:
        """Return True once in so many times."""
        return self.number(1, times) == times

    def document(self, depth: int) -> dict[str, Json]:
        """Return a whole document; `depth` is how many tasks may lie inside each other."""
        document: dict[str, Json] = {
            "dsl": "1.0.3",
            "namespace": "generated",
            "name": "workflow",
            "version": "1.0.0",
        }
        participants = self.manner.participants
        if participants:
            taking: dict[str, Json] = {"participants": {name: {} for name in participants}}
            if not self.one_in(4):
                self._default = taking["participant"] = participants[0]
            document["metadata"] = taking
        whole: dict[str, Json] = {"document": document}
        shared: dict[str, Json] = {}
        if self.manner.extensions and self.one_in(6):
            shared["extensions"] = [{"noting": self._extension()}]
        with self._while(_in_function=True):
            shared["functions"] = {"shared": self.task(self.pick((1, 1, 2)), ())}
        whole["use"] = shared
        self._functions = ("shared",)
        whole["do"] = self.tasks(depth, (2, 3, 4, 5))
        if self.one_in(8):
            whole["timeout"] = {"after": self._time(2_000, 20_000)}
        if self.one_in(8):
            whole["output"] = {"as": f"${{ {self.pick(('.', '[.]', '$context', _FAULTY))} }}"}
        return whole

    @contextmanager
    def _while(self, **around: Any) -> Generator[None]:
        """Let this count for what is written meanwhile."""
        before = {name: getattr(self, name) for name in around}
        for name, value in around.items():
            setattr(self, name, value)
        yield
        for name, value in before.items():
            setattr(self, name, value)

    def _time(self, *milliseconds: int) -> dict[str, Json]:
        return {"milliseconds": self.pick(milliseconds) * self._pace}

    def _name(self) -> str:
        return f"t{next(self._numbers)}"

    def _extension(self) -> dict[str, Json]:
        around = self.pick(("set", "call", "all", "composite"))
        beside: dict[str, Json] = {"set": {"noted": "${ $task.name }"}}
        if self.manner.participants and self.one_in(2):
            # It would stand beside what a listen iterates over, too, and be somebody else's.
            self._iterates = False
            beside = self._moment()
        where = self.pick(("before", "after"))
        return {"extend": around, where: [{"note": beside}]}

    def tasks(self, depth: int, counts: Sequence[int] = (1, 2, 3)) -> list[dict[str, Json]]:
        """Return a list of tasks."""
        names = [self._name() for _ in range(self.pick(counts))]
        return [{name: self.task(depth, names[place + 1 :])} for place, name in enumerate(names)]

    def task(self, depth: int, ahead: Sequence[str]) -> dict[str, Json]:
        """Return one task; `ahead` are the names that its `then` may jump to."""
        composite = depth > 1 and self._composites and not self.one_in(3)
        kind = self.pick(self._composites if composite else self._leaves)
        if kind == "emit" and self._endless:
            kind = "call"
        owner = self._owner() if kind in _ACTING else None
        with self._while(_listener=owner if kind == "listen" else self._listener):
            task: dict[str, Json] = getattr(self, f"_{kind}")(depth)
        if kind == "switch":
            task["switch"] = self._cases(ahead)
        elif self.one_in(8):
            task["then"] = self.pick(("continue", "exit", "end", *ahead))
        if "then" not in task and self.one_in(8):
            task["if"] = self.pick(_CONDITIONS)
        if self.one_in(8):
            task["timeout"] = {"after": self._time(500, 3_000, 9_000)}
        for member, key in (("input", "from"), ("output", "as"), ("export", "as")):
            if self.one_in(12):
                value = self.pick((*_VALUES[:6], _FAULTY) if self.one_in(4) else _VALUES[:1])
                task[member] = {key: f"${{ {self._readable(value, member)} }}"}
        self._metadata(task, kind, owner)
        if kind == "listen" and self._is_met:
            return self._followed(task)
        return task

    @property
    def _is_met(self) -> bool:
        """Say whether an event may move others too, who must not all go on at one instant."""
        return self.manner.unhurried and (self._in_branch or self._in_function)

    @staticmethod
    def _readable(value: str, member: str) -> str:
        # `$input` is not there yet while the input is being made.
        return "." if member == "input" and value == "$input" else value

    def _followed(self, task: dict[str, Json]) -> dict[str, Json]:
        """Return a listen with a call behind it: one event may move several branches."""
        around = {"do": [{self._name(): task}, {self._name(): self._moment()}]}
        return {**around, "then": task.pop("then")} if "then" in task else around

    def _moment(self) -> dict[str, Json]:
        """Return a call that is only there because it takes a time of its own."""
        return self._owned({"call": self.pick(ACTIONS), "with": {}})

    # -- who performs it ---------------------------------------------------------------------------

    def _owned(self, task: dict[str, Json]) -> dict[str, Json]:
        owner = self._owner()
        return task if owner is None else {**task, "metadata": {"participant": owner}}

    def _owner(self) -> str | None:
        """Return who performs a task: None leaves it to what is around."""
        if not self.manner.participants or self._listener is not None:
            return self._listener
        return self.pick(self.manner.participants)

    def _metadata(self, task: dict[str, Json], kind: str, owner: str | None) -> None:
        metadata: dict[str, Json] = {}
        if owner is not None and not self._is_left_open(kind):
            metadata["participant"] = owner
        if kind in {"call", "do", "run"} and self.one_in(2):
            metadata["compensate"] = self._compensation()
        if kind in {"call", "set"} and self.one_in(10):
            metadata["event"] = "com.example.done.v1"
        if metadata:
            task["metadata"] = metadata

    def _is_left_open(self, kind: str) -> bool:
        if kind in {"emit", "wait"} and self._default is None:
            return self.one_in(2)
        # What a listen in a function iterates over is the listener's, so that names itself.
        return self._in_function and kind != "listen" and self.one_in(2)

    def _compensation(self) -> dict[str, Json]:
        undo: dict[str, Json] = {"call": UNDO, "with": {"what": "${ $output }"}}
        if not self.manner.participants or not self.one_in(3):
            return undo
        first = self._owned(undo)
        if self.one_in(2):
            return first
        second = self._owned({"call": UNDO, "with": {"what": "${ $input }"}})
        both = [{self._name(): first}, {self._name(): second}]
        ways: tuple[dict[str, Json], ...] = (
            {"do": both},
            {"fork": {"branches": both}},
            {"try": both, "catch": {"retry": {"limit": {"attempt": {"count": 1}}}}},
            {"do": [both[0], {self._name(): {"set": {"undone": True}, "then": "end"}}, both[1]]},
        )
        return self.pick(ways)

    # -- the kinds of task -------------------------------------------------------------------------

    def _call(self, _: int) -> dict[str, Json]:
        # What a function leaves open is its caller's, but the rest may be anybody's.
        if self._functions and self._listener is None and not self._endless and self.one_in(5):
            return {"call": self.pick(self._functions)}
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
        return {"wait": self._time(0, 1, 700, 2_500)}

    def _switch(self, _: int) -> dict[str, Json]:
        return {"switch": []}

    def _cases(self, ahead: Sequence[str]) -> list[dict[str, Json]]:
        targets = ("continue",) * 6 + ("exit", "end", *ahead)
        cases: list[dict[str, Json]] = [
            {f"case{place}": {"when": self.pick(_CONDITIONS), "then": self.pick(targets)}}
            for place in range(self.number(1, 2))
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
            else [self._filter() for _ in range(self.number(1, 2))]
        }
        if mode == "any":
            until = self.pick((None, "length >= 2", {"one": self._filter()}, False))
            if until is not None:
                to["until"] = until
        task: dict[str, Json] = {"listen": {"to": to, "read": self.pick(("data", "envelope"))}}
        if depth > 1 and self._iterates and self.one_in(2):
            first = [{self._name(): self._moment()}] if self._is_met else []
            # What each event leads to must not be another event, for ever.
            endless = to.get("until", "") not in ("", "length >= 2")
            with self._while(_endless=self._endless or endless):
                task["foreach"] = {"do": [*first, *self.tasks(depth - 1)]}
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
        names = [self._name() for _ in range(self.number(1, 3))]
        with self._while(_in_branch=True):
            branches = [{name: self._branch(depth - 1)} for name in names]
        return {"fork": {"branches": branches, "compete": self.one_in(3)}}

    def _branch(self, depth: int) -> dict[str, Json]:
        task = self.task(depth, ())
        if not self.manner.unhurried:
            return task
        return {"do": [{self._name(): self._moment()}, {self._name(): task}]}

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
        attempt: dict[str, Json] = {"count": self.number(1, 2)}
        if self.one_in(4):
            attempt["duration"] = self._time(1, 1_000)
        retry: dict[str, Json] = {"limit": {"attempt": attempt}}
        if self.one_in(2):
            retry["delay"] = self._time(1, 1_000)
            retry["backoff"] = {self.pick(("constant", "linear", "exponential")): {}}
        return retry
