"""`listen`: wait for events.

Every listen of a run hears every event published since the run started, except those that its own
line of control has consumed before (`ears`): an event is never lost because its listen was not
reached yet, never consumed twice in a row of listens, and parallel branches do not take events from
each other. A listen that is reached again goes on behind its last event when its filters are
constant: then everything before was consumed. One that correlates, compares by an expression, or
waits for all of several looks at every event again, since it may have left some alone that it means
now. Correlation values are fixed by the first event that bears them (null is none) and hold for the
rest of the line of control (ruling A17).

The output is always an array (A5): of `all`, in the order of the filters; else in the order the
events came. With `foreach` it holds the iterations' outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from batuta.kernel.commands import Criterion, Subscribe, Unsubscribe
from batuta.kernel.data import transformed
from batuta.kernel.ears import NOTHING, behind, having_heard
from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.flow import enter, finish
from batuta.kernel.frames import changed, new_frame, parent_of, replaced
from batuta.kernel.reporting import report_frame
from batuta.kernel.state import Frame, ListenState, Token
from batuta.kernel.transition import Action, Transition, entering, given_in

if TYPE_CHECKING:
    from batuta.kernel.program import Flow, Node


class Filter:
    """A compiled event filter."""

    __slots__ = ("constants", "correlate", "predicates")

    def __init__(self) -> None:
        self.constants: list[tuple[str, Any]] = []
        self.predicates: list[tuple[str, Code]] = []
        self.correlate: list[tuple[str, Code, Code | None]] = []

    @property
    def type(self) -> str | None:
        """The event type when it is fixed, else None."""
        for name, value in self.constants:
            if name == "type":
                return str(value)
        return None


class Listen:
    """What a listen needs: compiled once per node."""

    __slots__ = (
        "at",
        "export",
        "filters",
        "first",
        "forever",
        "in_order",
        "item",
        "iterates",
        "mode",
        "output",
        "read",
        "until",
        "until_mode",
        "until_when",
    )

    def __init__(self) -> None:
        self.mode = "one"
        self.filters: list[Filter] = []
        self.in_order = False
        self.until_when: Code | None = None
        self.until: list[Filter] | None = None
        self.until_mode = "one"
        self.forever = False
        self.read = "data"
        self.iterates = False
        self.item = "item"
        self.at = "index"
        self.first: Node | None = None
        self.output: Flow | None = None
        self.export: Flow | None = None


@entering
def begin(t: Transition, token: Token, parent: Frame, node: Node, raw: Any, data: Any) -> Action:
    """Subscribe, and wait."""
    listen: Listen = node.own
    frame = new_frame(t, token, parent, node, raw, data, state=ListenState())
    criteria: list[Criterion] = []
    for filters in (listen.filters, listen.until):
        if filters is not None:
            criteria += [_criterion(t, token, frame, one) for one in filters] or [Criterion(None)]
    after = behind(token.ears, _place(t, node))
    t.commands.append(
        Subscribe(token.id, frame.at + frame.path, tuple(criteria), None if after < 0 else after)
    )
    t.stop(token, frame)
    return None


def _place(t: Transition, node: Node) -> str | None:
    """Return the reference of a listen that goes on behind its last event, else None.

    To a participant the bus may bring an event again after later ones: there none does.
    """
    return node.reference if node.own.in_order and t.program.part is None else None


def _criterion(t: Transition, token: Token, frame: Frame, one: Filter) -> Criterion:
    bound = token.ears.bound if token.ears is not None else {}
    known: list[tuple[str, Any]] = []
    given = given_in(frame, t.program.nodes[frame.at])
    for name, source, expect in one.correlate:
        if expect is not None:
            value = expect.evaluate(t, frame.input, token, frame, given)
        elif name in bound:
            value = bound[name]
        else:
            continue
        if source.native is not None and not source.names:
            known.append((str(source.source), value))
    return Criterion(one.type, tuple(known))


def hear(
    t: Transition, token: Token, frame: Frame, node: Node, number: int, event: dict[str, Any]
) -> tuple[Action, bool]:
    """Offer an event to an open listen; says whether it was consumed, and what follows."""
    listen: Listen = node.own
    state = state_of(frame)
    ears = token.ears or NOTHING
    if state.satisfied or number <= behind(ears, _place(t, node)) or number in ears.recent:
        return None, False
    if listen.until is not None:
        index, bound = _first_match(
            t, token, frame, listen.until, event, _filled(state.until, listen.until_mode)
        )
        if index is not None:
            return _heard_until(t, token, frame, node, index, bound, number, event)
    filled = _filled(state.taken, listen.mode)
    index, bound = _first_match(t, token, frame, listen.filters, event, filled)
    if index is None:
        return None, False
    taken = (*state.taken, (index, event))
    queue = (*state.queue, event) if listen.iterates else ()
    satisfied = _is_satisfied(t, token, frame, listen, taken)
    state = ListenState(
        taken, state.until, queue, state.outputs, state.iterated, state.busy, satisfied
    )
    return _heard(t, token, frame, node, state, bound, number), True


def _heard_until(
    t: Transition,
    token: Token,
    frame: Frame,
    node: Node,
    index: int,
    bound: dict[str, Any],
    number: int,
    event: dict[str, Any],
) -> tuple[Action, bool]:
    listen: Listen = node.own
    state = state_of(frame)
    until = (*state.until, (index, event))
    wanted = len(listen.until or ()) if listen.until_mode == "all" else 1
    satisfied = len({at for at, _ in until}) >= wanted
    state = ListenState(
        state.taken, until, state.queue, state.outputs, state.iterated, state.busy, satisfied
    )
    return _heard(t, token, frame, node, state, bound, number), True


def _heard(
    t: Transition,
    token: Token,
    frame: Frame,
    node: Node,
    state: ListenState,
    bound: dict[str, Any],
    number: int,
) -> Action:
    report_frame(t, "heard", frame, number=number)
    token = _remembering(t, token, node, number, bound)
    new = changed(frame, state=state)
    if state.satisfied:
        t.commands.append(Unsubscribe(token.id, frame.at + frame.path))
    if state.busy:
        # An iteration is under way inside this frame: put the new frame under it.
        top = t.tokens[token.id].frame
        waiting = t.tokens[token.id]
        t.tokens[token.id] = Token(
            token.id,
            token.context,
            replaced(top, frame, new),
            waiting.log,
            token.owner,
            waiting.entering,
            waiting.carried,
            token.ears,
        )
        return None
    return _next(t, token, new, node)


def _next(t: Transition, token: Token, frame: Frame, node: Node) -> Action:
    """Iterate over the next queued event, complete, or wait on."""
    listen: Listen = node.own
    state = state_of(frame)
    if state.queue:
        item = _read(listen, state.queue[0])
        busy = ListenState(
            state.taken,
            state.until,
            state.queue[1:],
            state.outputs,
            state.iterated,
            True,
            state.satisfied,
        )
        frame = changed(
            frame,
            state=busy,
            inner=f"{frame.path}[{state.iterated}]",
            variables={listen.item: item, listen.at: state.iterated},
        )
        if listen.first is None:
            return (block_done, token, frame, node, item, False)
        return (enter, token, frame, listen.first, item)
    if not state.satisfied:
        t.stop(token, frame)
        return None
    output = list(state.outputs) if listen.iterates else _taken(listen, state.taken)
    return (finish, token, parent_of(frame), node, frame.raw, frame.input, output, frame.started)


def block_done(
    t: Transition, token: Token, frame: Frame, node: Node, output: Any, left: bool
) -> Action:
    """An iteration ended; `exit` inside ends the listen."""
    listen: Listen = node.own
    state = state_of(frame)
    given = given_in(frame, node)
    if listen.output is not None:
        output = transformed(t, listen.output, output, token, frame, given)
    if listen.export is not None:
        context = transformed(
            t,
            listen.export,
            output,
            token,
            frame,
            {**given, "output": output},
            absent=token.context,
        )
        token = Token(token.id, context, None, token.log, token.owner, None, None, token.ears)
    if left and not state.satisfied:
        t.commands.append(Unsubscribe(token.id, frame.at + frame.path))
    state = ListenState(
        state.taken,
        state.until,
        () if left else state.queue,
        (*state.outputs, output),
        state.iterated + 1,
        False,
        state.satisfied or left,
    )
    return _next(t, token, changed(frame, state=state), node)


def _first_match(
    t: Transition,
    token: Token,
    frame: Frame,
    filters: list[Filter],
    event: dict[str, Any],
    filled: frozenset[int],
) -> tuple[int | None, dict[str, Any]]:
    if not filters:
        return 0, {}  # any of nothing means every event
    for index, one in enumerate(filters):
        if index not in filled:
            bound = _match(t, token, frame, one, event)
            if bound is not None:
                return index, bound
    return None, {}


def _match(
    t: Transition, token: Token, frame: Frame, one: Filter, event: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the correlation values that the event fixes, or None when it is not meant."""
    for name, value in one.constants:
        if not includes(event.get(name), value):
            return None
    given = given_in(frame, t.program.nodes[frame.at])
    for name, predicate in one.predicates:
        if not is_true(predicate.evaluate(t, event.get(name), token, frame, given)):
            return None
    return _correlated(t, token, frame, one, view(event), given) if one.correlate else {}


def _correlated(
    t: Transition, token: Token, frame: Frame, one: Filter, seen: Any, given: dict[str, Any]
) -> dict[str, Any] | None:
    bound: dict[str, Any] = {}
    known = token.ears.bound if token.ears is not None else {}
    for name, source, expect in one.correlate:
        value = source.evaluate(t, seen, token, frame, given)
        if expect is not None:
            wanted = expect.evaluate(t, frame.input, token, frame, given)
        elif name in known:
            wanted = known[name]
        else:
            bound[name] = wanted = value
        if value is None or value != wanted:
            return None
    return bound


def view(event: dict[str, Any]) -> dict[str, Any]:
    """Return what `correlate.from` reads: the event with its data's members at hand.

    The DSL's examples read both `.data.x` and `.x`; attributes win over members of the data.
    """
    data = event.get("data")
    return {**data, **event} if isinstance(data, dict) else event


def includes(actual: Any, wanted: Any) -> bool:
    """Compare a literal of a filter: an object means that these members are as given."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            name in actual and includes(actual[name], value) for name, value in wanted.items()
        )
    return bool(actual == wanted) and isinstance(actual, bool) == isinstance(wanted, bool)


def _filled(taken: tuple[tuple[int, Any], ...], mode: str) -> frozenset[int]:
    return frozenset(index for index, _ in taken) if mode == "all" else frozenset()


def _is_satisfied(
    t: Transition, token: Token, frame: Frame, listen: Listen, taken: tuple[tuple[int, Any], ...]
) -> bool:
    if listen.mode == "all":
        return len(taken) == len(listen.filters)
    if listen.mode == "one":
        return True
    if listen.until_when is not None:
        so_far = [_read(listen, event) for _, event in taken]
        given = given_in(frame, t.program.nodes[frame.at])
        return is_true(listen.until_when.evaluate(t, so_far, token, frame, given))
    return listen.until is None and not listen.forever


def _taken(listen: Listen, taken: tuple[tuple[int, Any], ...]) -> list[Any]:
    if listen.mode == "all":
        taken = tuple(sorted(taken, key=lambda entry: entry[0]))
    return [_read(listen, event) for _, event in taken]


def _read(listen: Listen, event: dict[str, Any]) -> Any:
    if listen.read == "envelope":
        return event
    if listen.read == "raw" and "data_base64" in event:
        return event["data_base64"]
    return event.get("data", event.get("data_base64"))


def _remembering(
    t: Transition, token: Token, node: Node, number: int, bound: dict[str, Any]
) -> Token:
    return Token(
        token.id,
        token.context,
        token.frame,
        token.log,
        token.owner,
        token.entering,
        token.carried,
        having_heard(token.ears, _place(t, node), number, bound),
    )


def state_of(frame: Frame) -> ListenState:
    """Return the frame's state, whose kind is that of its task (`invariants`)."""
    return cast("ListenState", frame.state)
