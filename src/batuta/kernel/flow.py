"""How control moves: into a task, out of it, on to the next, and up when something faults.

Owns what is the same for all kinds of task (DSL, "Data Flow" and "Flow Directives"): `if`, the
order of input, output and export, the log of compensations, `then`, and the search for whoever
handles a fault. What a kind does in between is its file in `tasks`; what the gates do is `data`;
how tasks are left before their end is `leaving`.

All functions here are handlers of the trampoline (`transition`): they return the next action. In
their arguments, `parent` is the frame a task runs in and `frame` a task's own frame.

Rulings of ours where the DSL is silent: a skipped task passes its raw input on, without `output`,
`export` or `then` (A6); `exit` ends the enclosing scope; `end` completes the whole run from
anywhere (A13), except inside a compensation, which is all that it ends there: a run that is being
undone cannot complete.
"""

from __future__ import annotations

from typing import Any

from batuta.kernel.commands import Publish
from batuta.kernel.data import transformed
from batuta.kernel.evaluation import is_true
from batuta.kernel.faults import FaultData, Raised, configuration_fault
from batuta.kernel.frames import is_undoing, occurrence_path, own_frames, parent_of, root_of, turned
from batuta.kernel.leaving import all_owed, cancel_all, cancel_token, give_back, leave_to
from batuta.kernel.owing import owing
from batuta.kernel.program import CONTINUE, END, EXIT, Node
from batuta.kernel.reporting import business_event, report, report_frame
from batuta.kernel.state import Branch, CompensationState, Frame, ListenState, Token
from batuta.kernel.tasks.away import elsewhere
from batuta.kernel.transition import Action, TaskView, Transition, entering


@entering
def enter(t: Transition, token: Token, parent: Frame, node: Node, raw: Any) -> Action:
    """Enter a task with its raw input."""
    t.left -= 1
    if t.left < 0:
        return t.park(token, parent, node.reference, raw)
    condition = node.condition
    if condition is not None and not is_true(
        condition.evaluate(t, raw, token, parent, {"task": TaskView(node.described, raw, t.now)})
    ):
        return after(t, token, parent, node, raw, CONTINUE)
    if node.acts and t.program.part is not None:
        to = elsewhere(t.program, node, parent)
        if to is not None:
            return t.hand_over(token, parent, node.reference, raw, to)
    return admit(t, token, parent, node, raw)


@entering
def admit(t: Transition, token: Token, parent: Frame, node: Node, raw: Any) -> Action:
    """Begin a task whose turn it is: that of a token that arrived, or just entered it."""
    data = raw
    if node.input is not None:
        given = {"task": TaskView(node, raw, t.now)}
        data = transformed(t, node.input, raw, token, parent, given, before=True)
    if t.state.amended:
        data = t.state.amended.get(node.reference + occurrence_path(parent.inner), data)
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
            token = owing(t.program, token, parent, node, data, output)
        if node.event is not None:
            t.commands.append(Publish(business_event(t, node, parent, output)))
    if t.watch is not None:
        report(t, "completed", node, parent, output=output)
    if node.acts:
        t.cause = (node.reference, "completed")
    if t.stopping:
        return stand(t, token, parent)
    return after(t, token, parent, node, output, node.then if then is None else then)


def stand(t: Transition, token: Token, frame: Frame) -> Action:
    """Leave a token inside `frame`, with all that it owes: it is about to be cancelled."""
    t.tokens[token.id] = Token(
        token.id, token.context, frame, token.log, token.owner, None, None, token.ears
    )
    return None


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
    token = Token(token.id, token.context, frame, token.log, token.owner, None, None, token.ears)
    if is_undoing(frame):
        return _end_undoing(t, token, output)
    if t.program.part is not None and token.owner is not None:
        # The join may be elsewhere: its keeper ends the run, when the other branches have ended.
        return _end_branch(t, token, output, "completed")
    t.tokens[token.id] = token
    owed = all_owed(t, t.tokens[""])
    ended: Token | None = token
    while ended is not None:
        # This line of control completes: it is not among those that are cancelled.
        t.tokens.pop(ended.id)
        for own in own_frames(ended):
            if isinstance(own.state, ListenState):
                give_back(t, ended.id, own)
            report_frame(t, "completed", own)
        ended = None if ended.owner is None else t.tokens[ended.owner]
    cancel_all(t, but=token.id)
    first = Token("", token.context, None, owed, None, None, None, token.ears)
    t.tokens[""] = first
    node = t.program.root
    return (node.block_done, first, root_of(frame), node, output, False)


def _end_branch(t: Transition, token: Token, output: Any, what: str) -> Action:
    from batuta.kernel.tasks.fork import branch_ended  # noqa: PLC0415 -- it is written on this

    ends = Branch("ends", output, token.context, all_owed(t, token), None, token.ears)
    for own in own_frames(token):
        if isinstance(own.state, ListenState):
            give_back(t, token.id, own)
        report_frame(t, what, own)
    return branch_ended(t, token, token.frame, ends)


def _end_undoing(t: Transition, token: Token, output: Any) -> Action:
    while True:
        for frame in own_frames(token):
            if isinstance(frame.state, CompensationState):
                token = leave_to(t, token, frame)
                return scope_done(t, token, frame, output)
        # A branch of a fork inside the compensation: the fork's token undoes.
        if t.program.part is not None:
            return _end_branch(t, token, output, "cancelled")
        cancel_token(t, token)
        token = t.tokens[token.owner or ""]


def unwind(t: Transition, token: Token, frame: Frame, fault: FaultData) -> Action:
    """Take a fault outwards, from the task of `frame` on, to whoever handles it.

    The workflow itself handles every fault. A fault of the handling (a `when` that cannot be
    evaluated) takes the place of the first one, and goes on from the task around.
    """
    if t.stopping:
        return stand(t, token, frame)
    nodes = t.program.nodes
    fault = _placed(fault, frame.at)
    while True:
        node = nodes[frame.at]
        if node.on_fault is not None:
            try:
                action = node.on_fault(t, token, frame, node, fault)
            except Raised as raised:
                fault = _placed(raised.fault, frame.at)
            else:
                if action is not PASS_ON:
                    return action
        if isinstance(frame.state, ListenState):
            give_back(t, token.id, frame)
        report_frame(t, "faulted", frame, fault)
        frame = parent_of(frame)


PASS_ON: tuple[Any, ...] = ("pass on",)
"""What a kind's `on_fault` answers when it does not handle the fault."""


def fault_at(t: Transition, token: Token, parent: Frame, node: Node, fault: FaultData) -> Action:
    """A task faulted before it had a frame, or after it gave it up."""
    fault = _placed(fault, node.reference)
    if t.watch is not None:
        report(t, "faulted", node, parent, fault=fault)
    if node.acts:
        t.cause = (node.reference, "faulted")
    return (unwind, token, parent, fault)


def _placed(fault: FaultData, reference: str) -> FaultData:
    """Return the fault with an instance: where it arose, unless it says so itself."""
    if fault.instance is not None:
        return fault
    return FaultData(fault.type, fault.status, fault.title, fault.detail, reference)
