"""`listen`: wait for events.

Every listen of a run hears every event published since the run started, except those that its own
line of control has consumed before (`state.Ears`): an event is never lost because its listen was not
reached yet, never consumed twice in a row of listens, and parallel branches do not take events from
each other. In a row of listens of the same task each goes on behind the last event of the one
before; only where it correlates does it look at every event again, since what belongs to one group
lies between the events of others. Correlation values are fixed by the first event that bears them
and hold for the rest of the line of control (ruling A17).

The output is always an array (A5): of `all`, in the order of the filters; else in the order the events
came. With `foreach` it holds the iterations' outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.kernel.commands import Criterion, Subscribe, Unsubscribe
from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.flow import changed, enter, finish, new_frame, transformed
from batuta.kernel.state import Ears, Frame, ListenState, Token
from batuta.kernel.tasks.do import parent_of
from batuta.kernel.transition import Action, Transition, entering

if TYPE_CHECKING:
    from batuta.kernel.program import Flow, Node

REMEMBERED = 1_000
"""How many consumed events a line of control remembers besides its horizons."""


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
        "correlates",
        "export",
        "filters",
        "first",
        "forever",
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
        self.correlates = False
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
    ears = token.ears
    criteria = [_criterion(t, token, frame, one) for one in listen.filters]
    criteria += [_criterion(t, token, frame, one) for one in listen.until or ()]
    if listen.mode == "any" and not listen.filters:
        criteria.append(Criterion(None))
    after = None if ears is None else ears.horizon.get(_place(listen, node))
    t.commands.append(Subscribe(token.id, frame.at + frame.path, tuple(criteria), after))
    t.stop(token, frame)
    return None


def _place(listen: Listen, node: Node) -> str:
    """Return the name of the horizon that bounds what a listen may still consume."""
    return "" if listen.correlates else node.reference


def _criterion(t: Transition, token: Token, frame: Frame, one: Filter) -> Criterion:
    bound = token.ears.bound if token.ears is not None else {}
    known: list[tuple[str, Any]] = []
    for name, source, expect in one.correlate:
        if expect is not None:
            value = expect.evaluate(t, frame.input, token, frame, {"input": frame.input})
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
    ears = token.ears or Ears()
    behind = ears.horizon.get(_place(listen, node), -1)
    if state.satisfied or number <= behind or number in ears.recent:
        return None, False
    if listen.until is not None:
        index, bound = _first_match(
            t, token, frame, listen.until, event, _filled(state.until, listen.until_mode)
        )
        if index is not None:
            return _heard_until(t, token, frame, node, index, bound, number, event)
    filled = _filled(state.taken, listen.mode)
    index, bound = _first_match(t, token, frame, listen.filters, event, filled)
    if index is None and not (listen.mode == "any" and not listen.filters):
        return None, False
    taken = (*state.taken, (index or 0, event))
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
    token = _remembering(token, node.reference, number, bound)
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
            _under(top, frame, new),
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
    given = {"input": frame.input}
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
        if not _includes(event.get(name), value):
            return None
    given = {"input": frame.input}
    for name, predicate in one.predicates:
        if not is_true(predicate.evaluate(t, event.get(name), token, frame, given)):
            return None
    bound: dict[str, Any] = {}
    known = token.ears.bound if token.ears is not None else {}
    for name, source, expect in one.correlate:
        value = source.evaluate(t, _view(event), token, frame, given)
        if expect is not None:
            if value != expect.evaluate(t, frame.input, token, frame, given):
                return None
        elif name in known:
            if value != known[name]:
                return None
        else:
            bound[name] = value
    return bound


def _view(event: dict[str, Any]) -> dict[str, Any]:
    """Return what `correlate.from` reads: the event with its data's members at hand.

    The DSL's examples read both `.data.x` and `.x`; attributes win over members of the data.
    """
    data = event.get("data")
    return {**data, **event} if isinstance(data, dict) else event


def _includes(actual: Any, wanted: Any) -> bool:
    """Compare a literal of a filter: an object means that these members are as given."""
    if isinstance(wanted, dict):
        return isinstance(actual, dict) and all(
            name in actual and _includes(actual[name], value) for name, value in wanted.items()
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
        given = {"input": frame.input}
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


def _remembering(token: Token, reference: str, number: int, bound: dict[str, Any]) -> Token:
    ears = token.ears or Ears()
    recent = (*ears.recent, number)
    horizon = {**ears.horizon, reference: max(number, ears.horizon.get(reference, number))}
    if len(recent) > REMEMBERED:
        # Whoever cannot tell any more whether it was consumed must not consume it again.
        horizon[""] = max(horizon.get("", -1), *recent[:-REMEMBERED])
        recent = recent[-REMEMBERED:]
    known = {**bound, **ears.bound} if bound else ears.bound
    return Token(
        token.id,
        token.context,
        token.frame,
        token.log,
        token.owner,
        token.entering,
        token.carried,
        Ears(recent, horizon, known),
    )


def _under(top: Frame | None, old: Frame, new: Frame) -> Frame:
    """Return the stack `top` with `old` in it replaced by `new`."""
    above: list[Frame] = []
    while top is not None and (top.at != old.at or top.path != old.path):
        above.append(top)
        top = top.parent
    stack = new
    for frame in reversed(above):
        stack = Frame(
            frame.at,
            frame.path,
            frame.raw,
            frame.input,
            frame.started,
            stack,
            frame.state,
            frame.variables,
            frame.inner,
            frame.deadline,
            frame.wake,
            frame.due,
        )
    return stack


def state_of(frame: Frame) -> ListenState:
    """Return the frame's state, which is always a listen's."""
    if not isinstance(frame.state, ListenState):
        raise AssertionError("a listen's frame holds a listen's state")
    return frame.state
