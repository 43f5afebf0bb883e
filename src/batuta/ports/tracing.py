"""Where a run and its tasks stand in traces: ids that need nobody's memory.

A run is a trace and a task a span (W3C Trace Context, level 1, section 3.2.2). Their ids follow
from the run's id and the task's key, so whoever has these names the same span: a conductor, each
participant of a choreographed run, and a process that takes over after a crash.
"""

from __future__ import annotations

from hashlib import blake2b

TRACEPARENT = "traceparent"
"""The HTTP header of the context, and its CloudEvents attribute (Distributed Tracing)."""


def trace_id(run: str) -> int:
    """Return the 128-bit trace of a run; never 0."""
    return int.from_bytes(_digest(16, "trace", run)) or 1


def span_id(run: str, key: str = "") -> int:
    """Return the 64-bit span of a task's occurrence, or of the run itself; never 0.

    Args:
        run: the run's id.
        key: the occurrence's key (reference and path); "" for the run.
    """
    return int.from_bytes(_digest(8, "span", run, key)) or 1


def traceparent(run: str, key: str = "") -> str:
    """Return the context that is sent along with what a task asks of the world."""
    return f"00-{trace_id(run):032x}-{span_id(run, key):016x}-01"


def of_event(run: str, event_id: str) -> str:
    """Return the context of an event that a run publishes: of the task that its id names."""
    return traceparent(run, event_id.removeprefix(run) if event_id.startswith(f"{run}/") else "")


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=size).digest()
