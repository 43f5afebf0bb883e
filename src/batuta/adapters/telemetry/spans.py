"""Spans of runs and tasks, in either control model.

A span is made whole when its task ends: its id is derived (`ports.tracing`), and its beginning was
noted when the task started. A task that started in another process, or in one that crashed since,
has a span that begins where it is known to have run, and says so (`batuta.recovered`).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from batuta.ports.tracing import span_id, trace_id

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor

    from batuta.kernel.lifecycle import Happened
    from batuta.ports.observer import Sight

SCOPE = InstrumentationScope("batuta")
SAMPLED = TraceFlags(TraceFlags.SAMPLED)
CALLS = frozenset({"call", "http", "openapi", "function", "shell", "script", "container"})
MOST_OPEN = 200_000
"""Tasks under way whose beginnings are remembered; of more, the oldest are forgotten."""
_MS = 1_000_000


class RunSpans:
    """Makes spans of what an observer sees. The contract is `batuta.ports.observer.Observer`."""

    def __init__(self, processor: SpanProcessor, resource: Resource, ratio: float = 1.0) -> None:
        """Prepare.

        Args:
            processor: gets each span when it has ended, and must not block.
            resource: says which service this is.
            ratio: the part of all runs that is traced, 0 to 1; decided by the run's id, so that all
                processes agree.
        """
        self._processor = processor
        self._resource = resource
        self._below = round(ratio * (1 << 64))
        self._begun: OrderedDict[tuple[str, str], int] = OrderedDict()

    def saw(self, sight: Sight) -> None:
        """Make spans of the tasks that ended, and of the run if it did. See the port."""
        trace = trace_id(sight.run)
        if trace & 0xFFFFFFFFFFFFFFFF >= self._below:
            return
        for happened in sight.reports:
            if happened.what == "started":
                self._begun[sight.run, happened.key] = happened.at
                if len(self._begun) > MOST_OPEN:
                    self._begun.popitem(last=False)
            elif happened.what not in {"retried", "heard"}:
                self._end_task(sight, happened)
        if sight.ended_at is not None:
            self._end_run(sight)

    def _end_task(self, sight: Sight, happened: Happened) -> None:
        begun = self._begun.pop((sight.run, happened.key), None)
        attributes: dict[str, Any] = {
            **_of_run(sight),
            "batuta.task.reference": happened.reference,
            "batuta.task.name": happened.name,
            "batuta.task.kind": happened.kind,
            "batuta.task.attempt": happened.attempt,
            "batuta.task.status": happened.what,
        }
        if happened.participant is not None:
            attributes["batuta.participant"] = happened.participant
        if happened.iteration is not None:
            attributes["batuta.task.iteration"] = happened.iteration
        if begun is None:
            attributes["batuta.recovered"] = True
        fault = happened.fault
        if fault is not None:
            attributes["error.type"] = fault.type
        self._finish(
            sight.run,
            happened.key,
            name=happened.name,
            parent=self._enclosing(sight.run, happened),
            kind=SpanKind.CLIENT if happened.kind in CALLS else SpanKind.INTERNAL,
            attributes=attributes,
            status=_status(happened.what, fault and (fault.title or fault.type)),
            times=(happened.at if begun is None else begun, happened.at),
        )

    def _end_run(self, sight: Sight) -> None:
        links: list[Link] = []
        if sight.parent is not None:
            # A sub-workflow is a run of its own, and so a trace of its own.
            links.append(Link(_context(trace_id(sight.parent), span_id(sight.parent))))
        self._finish(
            sight.run,
            "",
            name=sight.workflow,
            parent=None,
            kind=SpanKind.SERVER,
            attributes={**_of_run(sight), "batuta.run.status": sight.status},
            status=_status(sight.status, sight.status),
            times=(sight.started_at, sight.ended_at or sight.at),
            links=links,
        )

    def _enclosing(self, run: str, happened: Happened) -> str:
        """Return the key of the innermost task under way here that a task is inside of."""
        reference = happened.reference
        while "/" in reference[1:]:
            reference = reference.rpartition("/")[0]
            path = happened.path
            while True:
                if (run, reference + path) in self._begun:
                    return reference + path
                if not path:
                    break
                path = _shorter(path)
        return ""

    def _finish(
        self,
        run: str,
        key: str,
        *,
        name: str,
        parent: str | None,
        kind: SpanKind,
        attributes: dict[str, Any],
        status: Status,
        times: tuple[int, int],
        links: list[Link] | None = None,
    ) -> None:
        trace = trace_id(run)
        self._processor.on_end(
            ReadableSpan(
                name=name,
                context=_context(trace, span_id(run, key)),
                parent=None if parent is None else _context(trace, span_id(run, parent)),
                resource=self._resource,
                attributes=attributes,
                links=links or (),
                kind=kind,
                instrumentation_scope=SCOPE,
                status=status,
                start_time=times[0] * _MS,
                end_time=times[1] * _MS,
            )
        )


def _of_run(sight: Sight) -> dict[str, Any]:
    return {
        "batuta.run.id": sight.run,
        "batuta.workflow": sight.workflow,
        "batuta.control": "orchestrated" if sight.participant is None else "choreographed",
    }


def _status(what: str, why: str | None) -> Status:
    return Status(StatusCode.ERROR, why) if what == "faulted" else Status(StatusCode.UNSET)


def _context(trace: int, span: int) -> SpanContext:
    return SpanContext(trace_id=trace, span_id=span, is_remote=False, trace_flags=SAMPLED)


def _shorter(path: str) -> str:
    """Return a path without its last step (`[i]`, `+n`, `~n`)."""
    return path[: max(path.rfind(mark) for mark in "[+~@")] if path[0] in "[+~@" else ""
