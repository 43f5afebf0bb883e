"""How control moves: into a task, out of it, on to the next, and up when something faults.

Owns what is the same for all kinds of task (DSL, "Data Flow" and "Flow Directives"): `if`, input,
output and export, the log of compensations, `then`, deadlines, and the search for whoever handles a
fault. What a kind does in between is its file in `tasks`.

All functions here are handlers of the trampoline (`transition`): they return the next action. In
their arguments, `parent` is the frame a task runs in and `frame` a task's own frame.

Rulings of ours where the DSL is silent: a skipped task passes its raw input on, without `output`,
`export` or `then` (A6); `exit` ends the enclosing scope; `end` completes the whole run from
anywhere (A13).
"""

from __future__ import annotations

from typing import Any

from batuta.kernel.commands import Abandon, Publish, Unsubscribe
from batuta.kernel.evaluation import Code, is_true
from batuta.kernel.faults import FaultData, configuration_fault, validation_fault
from batuta.kernel.lifecycle import Happened
from batuta.kernel.program import CONTINUE, END, EXIT, DurationCode, Flow, Node
from batuta.kernel.state import (
    CallState,
    ForkState,
    ForState,
    Frame,
    ListenState,
    Owed,
    Token,
    TryState,
)
from batuta.kernel.transition import Action, TaskView, Transition, entering, iso8601


@entering
def enter(t: Transition, token: Token, parent: Frame, node: Node, raw: Any) -> Action:
    """Enter a task with its raw input."""
    t.left -= 1
    if t.left < 0:
        return t.park(token, parent, node.reference, raw)
    condition = node.condition
    if condition is not None and not is_true(
        condition.evaluate(t, raw, token, parent, {"task": TaskView(node, raw, t.now)})
    ):
        return after(t, token, parent, node, raw, CONTINUE)
    data = raw
    if node.input is not None:
        given = {"task": TaskView(node, raw, t.now)}
        data = transformed(t, node.input, raw, token, parent, given, before=True)
    if t.watch is not None:
        report(t, "started", node, parent, input=data)
    return node.begin(t, token, parent, node, raw, data)


@entering
def finish(
    t: Transition,
    token: Token,
    parent: Frame,
    node: Node,
    raw: Any,
    data: Any,
    output: Any,
    started: int | None = None,
    then: str | None = None,
) -> Action:
    """Leave a task that ended well with its raw output; `then` overrides the task's own."""
    if not node.plain_output:
        view = TaskView(node, raw, t.now if started is None else started, output)
        given: dict[str, Any] = {"input": data, "task": view}
        if node.output is not None:
            output = transformed(t, node.output, output, token, parent, given)
        if node.export is not None:
            given["output"] = output
            context = transformed(
                t, node.export, output, token, parent, given, absent=token.context
            )
            token = Token(token.id, context, None, token.log, token.owner, None, None, token.ears)
        if node.compensate is not None:
            token = owing(token, parent, node, data, output)
        if node.event is not None:
            t.commands.append(Publish(business_event(t, node, parent, output)))
    if t.watch is not None:
        report(t, "completed", node, parent, output=output)
    return after(t, token, parent, node, output, node.then if then is None else then)


@entering
def after(t: Transition, token: Token, parent: Frame, node: Node, output: Any, then: str) -> Action:
    """Go where `then` says."""
    if node.wrapper is not None:
        return (node.wrapper.result, token, parent, node.wrapper, output, then)
    if then == CONTINUE:
        following = node.next
        if following is None:
            return scope_done(t, token, parent, output)
        return (enter, token, parent, following, output)
    if then == EXIT:
        return scope_done(t, token, parent, output, left=True)
    if then == END:
        return (end_run, token, parent, output)
    target = node.siblings.get(then)
    if target is None:
        raise configuration_fault(f"there is no task {then!r} beside it to go to", node.reference)
    if target.index <= node.index:
        parent = turned(parent)
    return (enter, token, parent, target, output)


def scope_done(
    t: Transition, token: Token, frame: Frame, output: Any, *, left: bool = False
) -> Action:
    """A list of tasks ended inside `frame`; `left` says that it was by `exit`."""
    node = t.program.nodes[frame.at]
    return (node.block_done, token, frame, node, output, left)


def end_run(t: Transition, token: Token, frame: Frame, output: Any) -> Action:
    """`then: end`: the run completes gracefully with this output, whatever else was under way."""
    t.tokens.pop(token.id, None)
    cancel_others(t, token.id)
    report_inner(t, "completed", frame)
    root = frame
    while root.parent is not None:
        root = root.parent
    first = Token("", token.context, root, token.log, None, None, None, token.ears)
    t.tokens[""] = first
    node = t.program.root
    return (node.block_done, first, root, node, output, False)


def unwind(t: Transition, token: Token, frame: Frame | None, fault: FaultData) -> Action:
    """Take a fault outwards, from the task of `frame` on, to whoever handles it."""
    if fault.instance is None and frame is not None:
        fault = FaultData(fault.type, fault.status, fault.title, fault.detail, frame.at)
    nodes = t.program.nodes
    while frame is not None:
        node = nodes[frame.at]
        if node.on_fault is not None:
            action = node.on_fault(t, token, frame, node, fault)
            if action is not PASS_ON:
                return action
        if t.watch is not None:
            report(t, "faulted", node, frame.parent, path=frame.path, fault=fault)
        frame = frame.parent
    raise AssertionError("a fault left the run: the root handles every one")


PASS_ON: tuple[Any, ...] = ("pass on",)
"""What a kind's `on_fault` answers when it does not handle the fault."""


def fault_at(t: Transition, token: Token, parent: Frame, node: Node, fault: FaultData) -> Action:
    """A task faulted before it had a frame, or after it gave it up."""
    if fault.instance is None:
        fault = FaultData(fault.type, fault.status, fault.title, fault.detail, node.reference)
    if t.watch is not None:
        report(t, "faulted", node, parent, fault=fault)
    return (unwind, token, parent, fault)


def cancel_token(t: Transition, token: Token) -> None:
    """End a token where it stands; what it asked of the world is abandoned."""
    t.tokens.pop(token.id, None)
    frame = token.frame
    boundary = token.id.rpartition("/branches/")[0] if token.owner is not None else None
    while frame is not None and (frame.at + frame.path) != boundary:
        abandon(t, token.id, frame)
        frame = frame.parent


def abandon(t: Transition, token_id: str, frame: Frame, what: str = "cancelled") -> None:
    """A frame is dropped before its task ended: abandon what the task asked of the world."""
    state = frame.state
    if isinstance(state, CallState):
        t.commands.append(Abandon(token_id, frame.at + frame.path))
    elif isinstance(state, ListenState):
        t.commands.append(Unsubscribe(token_id, frame.at + frame.path))
    elif isinstance(state, ForkState):
        for index in range(len(state.branches)):
            branch = t.tokens.get(branch_id(frame, index))
            if branch is not None:
                cancel_token(t, branch)
    if t.watch is not None and what:
        report(t, what, t.program.nodes[frame.at], frame.parent, path=frame.path)


def abandon_inside(t: Transition, token: Token, frame: Frame) -> None:
    """Drop every frame of the token that stands inside `frame`."""
    inner = token.frame
    while inner is not None and inner is not frame:
        abandon(t, token.id, inner)
        inner = inner.parent


def give_up_frame(t: Transition, token: Token, frame: Frame) -> None:
    """A frame's task is over by a fault of its own: abandon what it asked for itself."""
    abandon(t, token.id, frame, "faulted")


def cancel_others(t: Transition, keep: str) -> None:
    """Cancel every other token of the run."""
    for token in sorted(t.tokens.values(), key=lambda token: len(token.id), reverse=True):
        if token.id != keep and token.id in t.tokens:
            cancel_token(t, token)


def branch_id(fork: Frame, index: int) -> str:
    """Return the token id of a branch."""
    return f"{fork.at}{fork.path}/branches/{index}"


def new_frame(
    t: Transition,
    token: Token,
    parent: Frame,
    node: Node,
    raw: Any,
    data: Any,
    *,
    state: Any = None,
    variables: dict[str, Any] | None = None,
    due: int | None = None,
    inner: str | None = None,
) -> Frame:
    """Return the frame of a task being entered, with its deadline."""
    deadline, wake = None, parent.wake
    if node.timeout is not None:
        deadline = t.now + duration_ms(t, node.timeout, data, token, parent)
        wake = deadline if wake is None else min(wake, deadline)
    path = parent.inner
    return Frame(
        node.reference,
        path,
        raw,
        data,
        t.now,
        parent,
        state,
        variables,
        path if inner is None else inner,
        deadline,
        wake,
        due,
    )


def changed(
    frame: Frame,
    *,
    state: Any,
    due: int | None = None,
    inner: str | None = None,
    variables: dict[str, Any] | None = None,
) -> Frame:
    """Return the frame with another state; `due` is forgotten unless given again."""
    return Frame(
        frame.at,
        frame.path,
        frame.raw,
        frame.input,
        frame.started,
        frame.parent,
        state,
        frame.variables if variables is None else variables,
        frame.inner if inner is None else inner,
        frame.deadline,
        frame.wake,
        due,
    )


def turned(frame: Frame) -> Frame:
    """Return the scope after one more backward jump: occurrences inside get a new path."""
    base, mark, count = frame.inner[len(frame.path) :].rpartition("~")
    if mark and count.isdigit():
        inner = f"{frame.path}{base}~{int(count) + 1}"
    else:
        inner = f"{frame.inner}~1"
    return changed(frame, state=frame.state, inner=inner)


def transformed(
    t: Transition,
    flow: Flow,
    value: Any,
    token: Token,
    frame: Frame | None,
    given: dict[str, Any],
    *,
    before: bool = False,
    absent: Any = None,
) -> Any:
    """Apply a compiled input (schema before transformation), output or export (schema after).

    `absent` is the result of an export without `as`, which keeps the context.
    """
    if flow.unreadable is not None:
        raise configuration_fault(flow.unreadable)
    if before and flow.check is not None:
        validate(flow.check, value)
    if flow.transform is not None:
        value = flow.transform.evaluate(t, value, token, frame, given)
    elif "output" in given:
        value = absent
    if not before and flow.check is not None:
        validate(flow.check, value)
    return value


def validate(check: Any, value: Any) -> None:
    """Raise a validation fault unless the value matches; names the first three places."""
    if check.is_valid(value):
        return
    reasons: list[str] = []
    for error in check.iter_errors(value):
        place = "/".join(str(part) for part in error.instance_path)
        reasons.append(f"{error.message} at /{place}")
        if len(reasons) == 3:
            break
    raise validation_fault("; ".join(reasons))


def duration_ms(
    t: Transition, duration: DurationCode, data: Any, token: Token, frame: Frame | None
) -> int:
    """Return a duration in milliseconds, evaluating it when it is an expression."""
    if duration.fixed is not None:
        return duration.fixed
    from batuta.definition.duration import (
        DurationError,
        to_milliseconds,
    )

    value = code_of(duration).evaluate(t, data, token, frame, {"input": data})
    try:
        return to_milliseconds(value)
    except DurationError as error:
        raise configuration_fault(f"{error}") from None


def code_of(duration: DurationCode) -> Code:
    """Return the code of a computed duration."""
    if duration.code is None:
        raise AssertionError("a duration is fixed or computed")
    return duration.code


def owing(token: Token, parent: Frame, node: Node, data: Any, output: Any) -> Token:
    """Log that a completed task has a compensation, once per occurrence whatever the attempts."""
    variables: dict[str, Any] | None = None
    if node.compensate_names:
        variables = {}
        frame: Frame | None = parent
        while frame is not None:
            if frame.variables is not None:
                for name in node.compensate_names & frame.variables.keys():
                    variables.setdefault(name, frame.variables[name])
            frame = frame.parent
    entry = Owed(node.reference, parent.inner, data, output, variables)
    same = occurrence_path(entry.path)
    log = tuple(
        owed for owed in token.log if owed.at != entry.at or occurrence_path(owed.path) != same
    )
    return Token(token.id, token.context, None, (*log, entry), token.owner, None, None, token.ears)


def occurrence_path(path: str) -> str:
    """Return a path without its attempts: what stays the same when a try starts again."""
    if "+" not in path:
        return path
    head, *rest = path.split("+")
    return head + "".join(part.lstrip("0123456789") for part in rest)


def attempt_of(t: Transition, frame: Frame | None) -> int:
    """Return the attempt of the innermost enclosing try, 1 outside of any."""
    while frame is not None:
        if isinstance(frame.state, TryState) and frame.state.phase != "catch":
            return frame.state.attempt
        frame = frame.parent
    return 1


def iteration_of(frame: Frame | None) -> int | None:
    """Return the index of the innermost enclosing loop, or None."""
    while frame is not None:
        if isinstance(frame.state, ForState):
            return frame.state.index
        if isinstance(frame.state, ListenState) and frame.state.busy:
            return frame.state.iterated
        frame = frame.parent
    return None


def business_event(t: Transition, node: Node, parent: Frame, output: Any) -> dict[str, Any]:
    """Return the event that a task's `metadata.event` announces its completion with."""
    document = t.program.workflow.document
    return {
        "specversion": "1.0",
        "id": f"{t.state.id}{node.reference}{parent.inner}/completed",
        "source": f"/{document.namespace}/{document.name}",
        "type": node.event,
        "time": iso8601(t.now),
        "subject": t.state.id,
        "datacontenttype": "application/json",
        "data": output,
    }


UNTOLD = frozenset({"workflow", "extended", "compensation"})
"""Kinds of node that are no task of the document."""


def report(
    t: Transition,
    what: str,
    node: Node,
    parent: Frame | None,
    *,
    path: str | None = None,
    input: Any = None,
    output: Any = None,
    fault: FaultData | None = None,
) -> None:
    """Tell the watcher about a task; called only when there is one."""
    if t.watch is None or node.kind in UNTOLD:
        return
    where = parent.inner if path is None and parent is not None else path or ""
    t.watch.append(
        Happened(
            what,
            node.reference + where,
            node.reference,
            node.name,
            node.kind,
            node.participant,
            attempt_of(t, parent),
            iteration_of(parent),
            where,
            t.now,
            input,
            output,
            fault,
        )
    )


def report_inner(t: Transition, what: str, frame: Frame | None) -> None:
    """Report on every task from `frame` outwards that ends because the run does."""
    if t.watch is None:
        return
    while frame is not None and frame.parent is not None:
        report(t, what, t.program.nodes[frame.at], frame.parent, path=frame.path)
        frame = frame.parent
