"""Compiling: the checked model into the nodes of a program, one function per kind of task.

Owns which closures a node gets. The rest is in `program` (the shape of the result) and in `tasks`
(what the closures are used for).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batuta.definition import model
from batuta.kernel.program import (
    DurationCode,
    Flow,
    Node,
    Program,
    condition_of,
    template_of,
    transform_of,
)
from batuta.kernel.tasks import (
    call,
    compensation,
    do,
    emit,
    extended,
    for_,
    fork,
    listen,
    raise_,
    set_,
    switch,
    try_,
    wait,
    workflow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROTOCOLS = frozenset({"http", "openapi", "asyncapi", "grpc", "a2a", "mcp"})


class Compiler:
    """Compiles one workflow; `program` is the result."""

    def __init__(
        self,
        definition: model.Workflow,
        resources: Mapping[str, Any],
        functions: Mapping[str, model.Task],
    ) -> None:
        self.resources = resources
        self.extensions: tuple[model.Extension, ...] = definition.extensions
        self.program = program = Program(definition)
        program.input = self._flow(definition.input)
        program.output = self._flow(definition.output)
        program.keys = tuple((name, condition_of(text)) for name, text in definition.keys.items())
        self._root(definition)
        # A function may call another: all get their node before any is filled.
        self.imported = {name: self._new(task) for name, task in functions.items()}
        for name, task in functions.items():
            self._fill(self.imported[name], task)
        # Only now do the document's own have a node: those from elsewhere do not see them.
        for name, task in definition.functions.items():
            program.functions[name] = self._new(task)
        for name, task in definition.functions.items():
            self._fill(program.functions[name], task)
        program.first = self._block(definition.do, program.root)

    def _root(self, definition: model.Workflow) -> None:
        root = Node(model.DoTask(name="", reference="", do=()), "workflow")
        root.block_done = workflow.block_done
        root.on_fault = workflow.on_fault
        if definition.timeout is not None:
            root.timeout = DurationCode(definition.timeout)
            self.program.timed = True
        undoing = Node(model.DoTask(name="", reference=compensation.AT, do=()), "compensation")
        undoing.block_done = compensation.block_done
        undoing.on_fault = compensation.on_fault
        undoing.due = compensation.due
        self.program.root = root
        self.program.nodes[""] = root
        self.program.nodes[compensation.AT] = undoing

    def _flow(self, flow: model.DataFlow | None) -> Flow | None:
        return None if flow is None else Flow(flow, self.resources)

    def _block(
        self, tasks: tuple[model.Task, ...], parent: Node, *, extend: bool = True
    ) -> Node | None:
        """Compile a list of tasks that follow each other; returns the first."""
        nodes = [self._task(task, extend=extend) for task in tasks]
        siblings = {node.name: node for node in nodes}
        for index, node in enumerate(nodes):
            node.index = index
            node.siblings = siblings
            node.parent = parent
            node.next = nodes[index + 1] if index + 1 < len(nodes) else None
        return nodes[0] if nodes else None

    def _task(self, task: model.Task, *, extend: bool = True) -> Node:
        node = self._new(task)
        self._fill(node, task, extend=extend)
        if extend:
            kinds = {"all", node.kind} | ({"composite"} if node.kind in {"do", "fork"} else set())
            for extension in reversed(self.extensions):
                if extension.extend in kinds:
                    node = self._wrapped(node, extension)
        return node

    def _wrapped(self, node: Node, extension: model.Extension) -> Node:
        task = model.DoTask(name=node.name, reference=f"{node.reference}#{extension.name}", do=())
        wrapper = Node(task, "extended")
        wrapper.described = node.described
        wrapper.condition, node.condition = node.condition, None
        node.wrapper = wrapper
        when = None if extension.when is None else condition_of(extension.when)
        wrapper.own = extended.Around(
            when,
            self._block(extension.before, wrapper, extend=False),
            self._block(extension.after, wrapper, extend=False),
            node,
        )
        wrapper.begin = extended.begin
        wrapper.block_done = extended.block_done
        wrapper.result = extended.result
        self.program.nodes[wrapper.reference] = wrapper
        return wrapper

    def _new(self, task: model.Task) -> Node:
        node = Node(task, KINDS[type(task)])
        self.program.promises = self.program.promises or task.sla is not None
        self.program.nodes[node.reference] = node
        return node

    def _fill(self, node: Node, task: model.Task, *, extend: bool = True) -> None:
        node.input = self._flow(task.input)
        node.output = self._flow(task.output)
        node.export = self._flow(task.export)
        if task.timeout is not None:
            node.timeout = DurationCode(task.timeout)
            self.program.timed = True
        if task.compensate is not None:
            node.compensate = self._block((task.compensate,), node, extend=False)
            node.compensate_names = names_in(task.compensate)
            self.program.timed = True  # one that faults is tried again later
        node.plain_output = not (
            node.output or node.export or node.compensate is not None or node.event
        )
        _FILL[type(task)](self, node, task, extend=extend)

    def _set(self, node: Node, task: model.SetTask, **_: bool) -> None:
        node.begin = set_.begin
        node.own = transform_of(task.value)

    def _do(self, node: Node, task: model.DoTask, *, extend: bool) -> None:
        node.begin, node.block_done = do.begin, do.block_done
        node.own = self._block(task.do, node, extend=extend)

    def _switch(self, node: Node, task: model.SwitchTask, **_: bool) -> None:
        node.begin = switch.begin
        node.own = [
            (None if case.when is None else condition_of(case.when), case.then)
            for case in task.cases
        ]

    def _raise(self, node: Node, task: model.RaiseTask, **_: bool) -> None:
        node.begin = raise_.begin
        error = task.error
        node.own = template_of(
            {
                "type": error.type,
                "status": error.status,
                "title": error.title,
                "detail": error.detail,
                "instance": error.instance,
            }
        )

    def _wait(self, node: Node, task: model.WaitTask, **_: bool) -> None:
        node.begin, node.due, node.acts = wait.begin, wait.due, True
        node.own = DurationCode(task.duration)
        self.program.timed = True

    def _emit(self, node: Node, task: model.EmitTask, **_: bool) -> None:
        node.begin, node.acts = emit.begin, True
        node.own = template_of(task.attributes)

    def _call(self, node: Node, task: model.CallTask, **_: bool) -> None:
        name = task.target.removesuffix("@default")
        function = self.program.functions.get(name) or self.imported.get(task.target)
        kind = task.target if task.target in PROTOCOLS else "function"
        act = call.Act(kind, "" if kind != "function" else name)
        act.function = function
        act.arguments = template_of(_with_document_policy(task))
        act.authentication = authentication_of(task.authentication)
        _acting(node, act)

    def _run(self, node: Node, task: model.RunTask, **_: bool) -> None:
        act = call.Act(task.process, "")
        act.arguments = template_of(task.arguments)
        act.wait = task.wait
        act.result = None if task.process == "workflow" else task.result
        act.authentication = authentication_of(task.authentication)
        _acting(node, act)

    def _for(self, node: Node, task: model.ForTask, *, extend: bool) -> None:
        loop = Loop()
        loop.each, loop.at = task.each, task.at
        loop.collection = transform_of(task.collection)
        if task.condition_while is not None:
            loop.condition = condition_of(task.condition_while)
        loop.first = self._block(task.do, node, extend=extend)
        node.own = loop
        node.begin, node.block_done = for_.begin, for_.block_done

    def _fork(self, node: Node, task: model.ForkTask, *, extend: bool) -> None:
        branches: list[Node] = []
        for index, branch in enumerate(task.branches):
            compiled = self._task(branch, extend=extend)
            # A branch is a scope of one task: nothing follows it, and `then` cannot leave it.
            compiled.index, compiled.siblings, compiled.parent = index, {}, node
            branches.append(compiled)
        node.own = Branches(tuple(branches), task.compete)
        node.begin, node.block_done, node.on_fault = fork.begin, fork.block_done, fork.on_fault

    def _try(self, node: Node, task: model.TryTask, *, extend: bool) -> None:
        catch = try_.Catch()
        catch.first = self._block(task.do, node, extend=extend)
        if task.catch_filter is not None:
            catch.filter = template_of(task.catch_filter)
        catch.as_ = task.catch_as
        catch.when = None if task.catch_when is None else condition_of(task.catch_when)
        if task.catch_except_when is not None:
            catch.except_when = condition_of(task.catch_except_when)
        if task.retry is not None:
            catch.retry = retry_of(task.retry)
            self.program.timed = True
        catch.handled = task.catch_do is not None
        catch.do = self._block(task.catch_do or (), node, extend=extend)
        catch.then = task.catch_then
        node.own = catch
        node.begin, node.block_done = try_.begin, try_.block_done
        node.on_fault, node.due = try_.on_fault, try_.due

    def _listen(self, node: Node, task: model.ListenTask, *, extend: bool) -> None:
        self.program.listens = node.acts = True
        compiled = listen.Listen()
        compiled.mode = task.to.mode
        compiled.filters = [filter_of(one) for one in task.to.filters]
        if task.to.until_expression is not None:
            compiled.until_when = condition_of(task.to.until_expression)
        if task.to.until_events is not None:
            compiled.until = [filter_of(one) for one in task.to.until_events.filters]
            compiled.until_mode = task.to.until_events.mode
        compiled.forever = task.to.forever
        filters = [*compiled.filters, *(compiled.until or ())]
        compiled.in_order = (compiled.mode != "all" or len(filters) == 1) and not any(
            one.predicates or one.correlate for one in filters
        )
        compiled.read = task.read
        if task.iterator is not None:
            iterator = task.iterator
            compiled.iterates = True
            compiled.item, compiled.at = iterator.item, iterator.at
            compiled.first = self._block(iterator.do, node, extend=extend)
            compiled.output = self._flow(iterator.output)
            compiled.export = self._flow(iterator.export)
        node.own = compiled
        node.begin, node.block_done = listen.begin, listen.block_done


class Loop:
    """What a `for` needs."""

    __slots__ = ("at", "collection", "condition", "each", "first")

    def __init__(self) -> None:
        self.each, self.at = "item", "index"
        self.collection: Any = None
        self.condition: Any = None
        self.first: Node | None = None


class Branches:
    """What a `fork` needs."""

    __slots__ = ("branches", "compete")

    def __init__(self, branches: tuple[Node, ...], compete: bool) -> None:
        self.branches = branches
        self.compete = compete


def _acting(node: Node, act: call.Act) -> None:
    node.own = act
    node.acts = act.function is None
    node.begin, node.result, node.block_done = call.begin, call.result, call.block_done


def authentication_of(policy: model.Authentication | None) -> Any:
    """Compile an authentication policy into a template of what callers take."""
    return None if policy is None else template_of(policy.as_json())


def _with_document_policy(task: model.CallTask) -> dict[str, Any]:
    """Return the arguments, with the policy of the description at the description's address."""
    if task.document_authentication is None:
        return task.arguments
    key = next(key for key in ("document", "proto", "agentCard") if key in task.arguments)
    resource = task.arguments[key]
    address = resource["endpoint"]
    endpoint = {
        "uri": address["uri"] if isinstance(address, dict) else address,
        "authentication": task.document_authentication.as_json(),
    }
    return {**task.arguments, key: {**resource, "endpoint": endpoint}}


def retry_of(policy: model.RetryPolicy) -> try_.Retry:
    """Compile a retry policy."""
    retry = try_.Retry()
    retry.when = None if policy.when is None else condition_of(policy.when)
    if policy.except_when is not None:
        retry.except_when = condition_of(policy.except_when)
    retry.delay = duration_of(policy.delay)
    retry.backoff = policy.backoff.kind
    retry.factor = policy.backoff.factor
    retry.maximum_ms = policy.backoff.maximum_ms
    if policy.jitter_from is not None and policy.jitter_to is not None:
        retry.jitter = (DurationCode(policy.jitter_from), DurationCode(policy.jitter_to))
    retry.count = policy.count
    retry.attempt_duration = duration_of(policy.attempt_duration)
    retry.total_duration = duration_of(policy.total_duration)
    return retry


def duration_of(duration: model.Duration | None) -> DurationCode | None:
    """Compile an optional duration."""
    return None if duration is None else DurationCode(duration)


def filter_of(one: model.EventFilter) -> listen.Filter:
    """Compile an event filter: literals must be equal, expressions are predicates."""
    compiled = listen.Filter()
    for name, value in one.attributes.items():
        code = template_of(value)
        if code.constant:
            compiled.constants.append((name, code.value))
        else:
            compiled.predicates.append((name, code))
    for name, correlation in one.correlate.items():
        expect = None if correlation.expect is None else template_of(correlation.expect)
        compiled.correlate.append((name, condition_of(correlation.source), expect))
    return compiled


def names_in(task: model.Task) -> frozenset[str]:
    """Return every variable that a task's expressions may read, found by their text.

    Too many is harmless (it only keeps a value that nobody reads), too few is not.
    """
    return frozenset(re.findall(r"\$([A-Za-z_][A-Za-z0-9_]*)", str(task)))


KINDS: Mapping[type[model.Task], str] = MappingProxyType(
    {
        model.CallTask: "call",
        model.DoTask: "do",
        model.EmitTask: "emit",
        model.ForTask: "for",
        model.ForkTask: "fork",
        model.ListenTask: "listen",
        model.RaiseTask: "raise",
        model.RunTask: "run",
        model.SetTask: "set",
        model.SwitchTask: "switch",
        model.TryTask: "try",
        model.WaitTask: "wait",
    }
)
"""The DSL's word for each kind of task."""

_FILL: Mapping[type[model.Task], Callable[..., None]] = MappingProxyType(
    {kind: getattr(Compiler, f"_{word}") for kind, word in KINDS.items()}
)
