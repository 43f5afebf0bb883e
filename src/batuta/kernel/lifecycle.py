"""What a step tells of tasks starting and ending, for timelines and traces.

The kernel reports only when somebody watches: a run's timeline is derived by replaying its journal
with a watch, so nothing of this is stored and the hot path pays for none of it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from batuta.kernel.faults import FaultData


class Happened(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One change in a task's life.

    `what` is started, completed, faulted, cancelled, retried, or heard (a listen consumed the event
    of this `number`); a viewer adds handed (control has gone to the participant that the task
    belongs to). `key` is reference and path: the occurrence.
    `iteration` is the index in the innermost loop, or None; `at` is epoch milliseconds. `by` is who
    told it, where that is not the one who asks.
    """

    what: str
    key: str
    reference: str
    name: str
    kind: str
    participant: str | None
    attempt: int
    iteration: int | None
    path: str
    at: int
    input: Any = None
    output: Any = None
    fault: FaultData | None = None
    by: str = ""
    number: int = 0


Watch = list[Happened]
