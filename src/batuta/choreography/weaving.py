"""Builds the graph of a workflow (`flow`), one method per kind of task.

Owns which vertices and edges a task has. What leads into a task is its caller's; what it may lead
to stands in `Around` (`scope`) and in `follow` (what a flow directive means here).

Tasks of a function are built once per call, up to `MOST_BY_CALL` tasks in all; beyond, once per
owner, with every call leading into and out of the same tasks. Then control may seem to come back to
another caller than its own, which is one of the paths too many that `flow` speaks of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from batuta.choreography.flow import HANDOVER, Called, Decision, Flow, Join, Step
from batuta.choreography.owners import ACTING, is_external, participants_of, starter
from batuta.choreography.scope import Around, Body, Undoing
from batuta.choreography.spread import Cause, Told
from batuta.choreography.within import Functions, tasks_in
from batuta.definition import model
from batuta.kernel.compiler import KINDS
from batuta.kernel.program import CONTINUE, END, EXIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Follow: TypeAlias = Callable[[str], int]
    """From a flow directive to the vertex that it leads to."""

MOST_BY_CALL = 5_000
MOST_UNDONE = 300
"""Tasks with a compensation up to which it is found out when each may be due."""


def flow_of(workflow: model.Workflow, functions: Mapping[str, model.Task]) -> Flow:
    """Return the graph of a workflow, spread from its start.

    Args:
        workflow: the checked workflow.
        functions: functions from catalogues and addresses, as `compile_workflow` takes them.
    """
    return _Weaver(workflow, functions).woven()


def _may_pause(retry: model.RetryPolicy) -> bool:
    """Say whether there may be a pause before another attempt."""
    has_delay = retry.delay is not None and retry.delay.milliseconds != 0
    return has_delay or retry.jitter_to is not None


def _must_pause(retry: model.RetryPolicy) -> bool:
    """Say whether there is one for certain."""
    return retry.delay is not None and bool(retry.delay.milliseconds)


class _Weaver:
    def __init__(self, workflow: model.Workflow, functions: Mapping[str, model.Task]) -> None:
        self._workflow = workflow
        self._functions = Functions(workflow, functions)
        self._first = starter(workflow, functions) or ""
        self._names = participants_of(workflow, functions)
        self._flow = Flow()
        self._graph = self._flow.graph
        self._vertex, self._edge = self._graph.vertex, self._graph.edge
        self._bodies: dict[Any, Body] = {}
        self._waiting: list[tuple[model.Task, Body]] = []
        self._by_call = 0
        self._undone = 0
        self._marks: dict[int, int] = {}
        self._cancelled: list[int] = []
        self._also: list[tuple[int, int]] = []
        self._announcing: set[Told] = set()
        """Ends of tasks that have an event of their own: each is told once."""

    def woven(self) -> Flow:
        self._whole()
        while self._waiting:
            function, body = self._waiting.pop()
            around = body.around

            def follow(then: str, around: Around = around) -> int:
                return around.end if then == END else around.done

            self._task(
                function, body.enters, follow, replace(around, extended=False), inside=around
            )
        self._graph.spread()
        if 0 < self._undone <= MOST_UNDONE:
            self._flow.due = self._due()
        return self._flow

    def _due(self) -> list[int]:
        """Return of each task that can be undone the causes with which that may be due."""
        everything = (1 << self._undone) - 1
        marks = {**self._marks, **dict.fromkeys(self._cancelled, everything)}
        behind = self._graph.behind(marks, self._also)
        due = [0] * self._undone
        at = [*self._graph.told_at(), *((mark, self._graph.mask(mark)) for mark in marks)]
        for vertex, causes in at:
            for number in range(self._undone):
                if behind[vertex] >> number & 1:
                    due[number] |= causes
        return due

    def _whole(self) -> None:
        workflow = self._workflow
        started, done, faulted = self._vertex(), self._vertex(), self._vertex()
        timer, over = self._vertex(), self._vertex()
        undoing = self._undoing()
        self._flow.begun, self._flow.over = started, over
        self._graph.source(started, Cause(Told("start"), self._first))
        self._edge(started, over)  # its input may be refused
        around = Around(done, done, done, faulted, timer, undoing)
        self._edge(started, self._block(workflow.do, around))
        self._edge(done, over)
        if workflow.output is not None:
            self._edge(done, faulted)
        if workflow.timeout is not None:
            self._edge(timer, self._vertex(HANDOVER), faulted)
        self._edge(faulted, undoing.choose)
        self._edge(faulted, over)
        self._edge(undoing.undone, over)
        # Whoever is to undo a run that is cancelled learns of it by `control`, as all do.
        for name in self._names:
            cancelled = self._vertex()
            self._graph.source(cancelled, Cause(Told("control"), name))
            self._edge(cancelled, undoing.choose)
            self._edge(cancelled, over)
            self._cancelled.append(cancelled)

    def _undoing(self, outer: Undoing | None = None) -> Undoing:
        """Return a new scope of things to be undone; what undoes `outer` undoes it too."""
        undoing = Undoing(self._vertex(), self._vertex())
        self._edge(undoing.undone, undoing.choose)
        if outer is not None:
            self._edge(outer.choose, undoing.choose)
            self._edge(undoing.undone, outer.undone)
        return undoing

    # -- lists and tasks ---------------------------------------------------------------------------

    def _block(self, tasks: Sequence[model.Task], around: Around) -> int:
        """Return the vertex that enters a list of tasks that follow each other."""
        if not tasks:
            return around.done
        enters = [self._vertex() for _ in tasks]
        places = {task.name: enter for task, enter in zip(tasks, enters, strict=True)}
        for index, task in enumerate(tasks):
            following = enters[index + 1] if index + 1 < len(tasks) else around.done

            def follow(then: str, following: int = following) -> int:
                if then == CONTINUE:
                    return following
                special = {EXIT: around.left, END: around.end}.get(then)
                return places.get(then, around.fault) if special is None else special

            self._task(task, enters[index], follow, around)
        return enters[0]

    def _task(
        self,
        task: model.Task,
        enters: int,
        follow: Follow,
        around: Around,
        *,
        inside: Around | None = None,
    ) -> None:
        """Build one task between its entrance and what follows it.

        `inside` is what the tasks in it inherit, where that differs from what the task itself does:
        the task that a function is has no extensions, those in it have.
        """
        self._edge(enters, around.timer)
        if task.event is not None:
            self._announcing.add(Told("completed", task.reference))
        function = self._functions.meant(task, elsewhere=around.elsewhere)
        acts = function is None and isinstance(task, ACTING)
        begins = enters
        if task.condition is not None:
            begins = self._vertex()
            self._decide(enters, begins, task.condition)
            self._decide(enters, follow(CONTINUE), task.condition, holds=False)
            self._edge(enters, around.fault)
            if acts:
                refused = self._vertex(Told("faulted", task.reference))
                self._edge(enters, refused, around.fault)
        if around.extended:
            begins, follow = self._extended(task, begins, follow, around)
        if task.input is not None and not acts:
            self._edge(begins, around.fault)
        if task.compensate is not None:
            follow = self._compensated(task.compensate, follow, inside or around)
        if function is not None:
            self._call(task, function, begins, follow, self._timed(task, inside or around))
        elif acts:
            self._acting(task, begins, follow, around)
        else:
            self._pure(task, begins, follow, self._timed(task, inside or around))

    def _decide(self, start: int, end: int, condition: str, *, holds: bool = True) -> None:
        self._edge(start, end)
        self._flow.decisions[start, end] = Decision(condition, holds)

    def _extended(
        self, task: model.Task, begins: int, follow: Follow, around: Around
    ) -> tuple[int, Follow]:
        """Put the extensions that apply around a task: where it begins then, and what follows."""
        kind = KINDS[type(task)]
        kinds = {"all", kind} | ({"composite"} if kind in {"do", "fork"} else set[str]())
        beside = replace(around, extended=False)
        for one in self._workflow.extensions:
            if one.extend in kinds:
                begins, follow = self._wrapped(one, begins, follow, beside)
        return begins, follow

    def _wrapped(
        self, one: model.Extension, begins: int, follow: Follow, beside: Around
    ) -> tuple[int, Follow]:
        inner = self._vertex()
        if one.when is not None:
            self._edge(begins, inner)
            self._edge(begins, beside.fault)
        before = replace(beside, done=inner, left=follow(CONTINUE))
        self._edge(begins, self._block(one.before, before))
        made: dict[int, int] = {}

        def behind(then: str) -> int:
            target = follow(then)
            if target not in made and not one.after:
                made[target] = target
            elif target not in made:
                made[target] = self._vertex()
                after = replace(beside, done=target, left=target)
                self._edge(made[target], self._block(one.after, after))
                if one.when is not None:
                    self._edge(made[target], target)
            return made[target]

        return inner, behind

    def _timed(self, task: model.Task, around: Around) -> Around:
        """Return what a task's inside is around by: its own timeout, if it has one, besides."""
        if task.timeout is None:
            return around
        timer = self._vertex()
        self._edge(timer, self._vertex(Told("faulted", task.reference)), around.fault)
        self._edge(timer, around.timer)
        return replace(around, timer=timer)

    def _finishes(self, task: model.Task, follow: Follow, around: Around, then: str = "") -> int:
        """Return the vertex at which a task that does not act ends, leading on."""
        finish = self._vertex()
        self._edge(finish, follow(then or task.then))
        if task.output is not None or task.export is not None:
            self._edge(finish, around.fault)
        return finish

    def _compensated(self, undo: model.Task, follow: Follow, around: Around) -> Follow:
        """Build what undoes a task; return what follows, noting on the way that it may be due."""
        number, self._undone = self._undone, self._undone + 1
        undone = around.undoing.undone
        # Nothing is due while something is undone, and what undoes is not undone itself.
        inside = replace(
            around,
            done=undone,
            left=undone,
            end=undone,
            fault=undone,
            timer=self._vertex(),
            undoing=self._undoing(),
            extended=False,
            within=None,
            undoes=number,
        )
        self._edge(around.undoing.choose, self._block((undo,), inside))

        def owing(then: str) -> int:
            mark = self._vertex()
            self._marks[mark] = 1 << number
            self._edge(mark, follow(then))
            return mark

        return owing

    # -- tasks that act ----------------------------------------------------------------------------

    def _acting(self, task: model.Task, begins: int, follow: Follow, around: Around) -> None:
        owner = task.participant or around.caller
        external = is_external(self._workflow, owner)
        keeper = None if external else owner
        arrives = self._vertex()
        # The service tells of its task itself: who had asked for it has nothing more to tell, but
        # the event that the business wants.
        silent = external and task.event is None
        done = HANDOVER if silent else Told("completed", task.reference)
        broken = HANDOVER if external else Told("faulted", task.reference)
        ended, failed = self._vertex(done, keeper), self._vertex(broken, keeper)
        step = Step(task, owner, external, arrives, ended, failed, around.within, around.undoes)
        self._flow.steps.append(step)
        self._edge(begins, arrives)
        for end in (ended, failed):
            self._edge(arrives, end)
            self._edge(end, around.timer)
        self._edge(failed, around.fault)
        self._edge(ended, follow(task.then))
        if isinstance(task, model.ListenTask) and task.iterator is not None:
            self._iterating(task, step, task.iterator.do, around)

    def _iterating(
        self, task: model.ListenTask, step: Step, tasks: tuple[model.Task, ...], around: Around
    ) -> None:
        heard, done, fault = self._vertex(HANDOVER, step.owner), self._vertex(), self._vertex()
        inside = replace(
            self._timed(task, around),
            done=done,
            left=step.ended,
            fault=fault,
            within=around.within or step,
        )
        self._edge(fault, around.fault)
        self._edge(fault, step.failed)
        self._edge(step.arrives, heard, self._block(tasks, inside))
        self._edge(done, heard)
        self._edge(done, step.ended)

    # -- tasks that do not act ---------------------------------------------------------------------

    def _pure(self, task: model.Task, begins: int, follow: Follow, around: Around) -> None:
        match task:
            case model.SetTask():
                self._set(task, begins, follow, around)
            case model.SwitchTask():
                self._switch(task, begins, follow, around)
            case model.DoTask():
                self._do(task, begins, follow, around)
            case model.ForTask():
                self._for(task, begins, follow, around)
            case model.ForkTask():
                self._fork(task, begins, follow, around)
            case model.TryTask():
                self._try(task, begins, follow, around)
            case _:  # `raise`: it only faults
                self._edge(begins, around.fault)

    def _call(
        self,
        task: model.Task,
        function: model.Task,
        begins: int,
        follow: Follow,
        around: Around,
    ) -> None:
        self._edge(begins, around.fault)  # calls may lie too deep inside each other
        finish = self._finishes(task, follow, around)
        owner = task.participant or around.caller
        self._flow.calls.append(Called(task, function, owner, begins))
        body = self._body(function, owner, around)
        inner = body.around
        self._edge(begins, body.enters)
        self._edge(inner.done, finish)
        self._edge(inner.end, around.end)
        self._edge(inner.fault, around.fault)
        self._edge(inner.timer, around.timer)
        self._edge(around.undoing.choose, inner.undoing.choose)
        self._edge(inner.undoing.undone, around.undoing.undone)

    def _body(self, function: model.Task, owner: str | None, around: Around) -> Body:
        key: Any = (function.reference, owner, around.within, around.undoes)
        if self._by_call < MOST_BY_CALL:
            self._by_call += sum(1 for _ in tasks_in(function))
            key = len(self._bodies)
        body = self._bodies.get(key)
        if body is None:
            done, end, fault, timer, enters = (self._vertex() for _ in range(5))
            inside = Around(
                done,
                done,
                end,
                fault,
                timer,
                self._undoing(),
                caller=owner,
                elsewhere=self._functions.is_elsewhere(function),
                within=around.within,
                undoes=around.undoes,
            )
            body = self._bodies[key] = Body(enters, inside)
            self._waiting.append((function, body))
        return body

    def _set(self, task: model.SetTask, begins: int, follow: Follow, around: Around) -> None:
        self._edge(begins, around.fault)
        self._edge(begins, self._finishes(task, follow, around))

    def _switch(self, task: model.SwitchTask, begins: int, follow: Follow, around: Around) -> None:
        tried = begins
        default: str = task.then
        for case in task.cases:
            if case.when is None:
                default = case.then
                continue
            self._edge(tried, around.fault)
            holds = self._finishes(task, follow, around, case.then)
            otherwise = self._vertex()
            self._decide(tried, holds, case.when)
            self._decide(tried, otherwise, case.when, holds=False)
            tried = otherwise
        self._edge(tried, self._finishes(task, follow, around, default))

    def _do(self, task: model.DoTask, begins: int, follow: Follow, around: Around) -> None:
        finish = self._finishes(task, follow, around)
        self._edge(begins, self._block(task.do, replace(around, done=finish, left=finish)))

    def _for(self, task: model.ForTask, begins: int, follow: Follow, around: Around) -> None:
        finish = self._finishes(task, follow, around)
        again = self._vertex()
        self._edge(begins, around.fault)  # what it counts through may be no list
        self._edge(begins, again, finish)
        if task.condition_while is not None:
            self._edge(again, around.fault)
        first = self._block(task.do, replace(around, done=again, left=finish))
        self._edge(again, first)

    def _fork(self, task: model.ForkTask, begins: int, follow: Follow, around: Around) -> None:
        completed, faulted = Told("completed", task.reference), Told("faulted", task.reference)
        finish = self._finishes(task, follow, around)
        forks, joins = self._vertex(), self._vertex()
        self._edge(begins, forks)
        self._edge(begins, joins, around.timer)
        self._edge(joins, self._vertex(completed), finish)
        self._edge(joins, self._vertex(faulted), around.fault)
        if not task.branches:
            self._edge(joins, finish)
        # A branch may end the whole run: then whoever keeps the join does so.
        self._edge(joins, self._vertex(HANDOVER), around.end)
        undoing = around.undoing
        if task.compete:
            undoing = self._undoing(undoing)
            # An event that the business names tells that the fork has ended, which it has not yet.
            self._edge(joins, self._vertex(HANDOVER if task.event else completed), undoing.choose)
            self._edge(undoing.undone, finish)
            self._edge(undoing.undone, self._vertex(faulted), around.fault)
        ends: list[int] = []
        for branch in task.branches:
            # No timeout reaches into a branch: who keeps the join watches over those around it.
            done, end, fault, timer = (self._vertex() for _ in range(4))
            inside = replace(
                around, done=done, left=done, end=end, fault=fault, timer=timer, undoing=undoing
            )
            self._edge(forks, self._block((branch,), inside))
            self._edge(end, around.end)
            ends += (done, end, fault)
        # What one branch has done may be due while the others are on, and when all have ended.
        self._also += [(end, other) for end in ends for other in (forks, joins)]
        self._flow.joins.append(Join(task, begins, joins, tuple(ends)))

    def _try(self, task: model.TryTask, begins: int, follow: Follow, around: Around) -> None:
        attempts, faulted = self._vertex(), self._vertex()
        undoing = self._undoing(around.undoing)
        inside = replace(around, fault=faulted, undoing=undoing)
        retry = task.retry
        if retry is not None and retry.attempt_duration is not None:
            timer = self._vertex()
            self._edge(timer, self._vertex(Told("faulted", task.reference)), faulted)
            self._edge(timer, around.timer)
            inside = replace(inside, timer=timer)
        finish = self._finishes(task, follow, around)
        body = replace(inside, done=finish, left=finish)
        self._edge(begins, attempts, self._block(task.do, body))
        self._edge(faulted, around.fault)
        self._edge(faulted, undoing.choose)
        self._edge(undoing.undone, around.fault)
        if retry is not None:
            # Behind a pause, what has told the end of a task for the business cannot tell it again.
            if _may_pause(retry):
                self._edge(faulted, self._graph.delay(HANDOVER, self._announcing), attempts)
            if not _must_pause(retry):
                self._edge(faulted, attempts)
        if task.catch_do is None and retry is not None:
            return
        caught = self._finishes(task, follow, around, task.catch_then or "")
        handler = self._block(task.catch_do or (), replace(around, done=caught, left=caught))
        self._edge(faulted, handler)
        self._edge(undoing.undone, handler)
