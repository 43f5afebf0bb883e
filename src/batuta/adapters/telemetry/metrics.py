"""Metrics of runs and tasks: counted from what an observer sees, told by OTLP or to Prometheus."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from batuta.kernel.lifecycle import Happened
    from batuta.ports.observer import Sight

SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3_600, 86_400)
"""Bounds of the histograms of durations: a call takes milliseconds, an approval days."""
MOST_OPEN = 200_000


class Gauge(NamedTuple):
    """Something that is read when metrics are collected."""

    name: str
    description: str
    read: Callable[[], int | float]


class RunMetrics:
    """Counts what an observer sees. The contract is `batuta.ports.observer.Observer`.

    Nothing is labelled with a run, a task's input or anything else that has no end.
    """

    def __init__(self, meter: Meter, gauges: Iterable[Gauge] = ()) -> None:
        self._meter = meter
        self._started = meter.create_counter("batuta.runs.started", "{run}", "Runs that began")
        self._ended = meter.create_counter("batuta.runs.ended", "{run}", "Runs that ended")
        self._runs = meter.create_histogram(
            "batuta.run.duration", "s", "From a run's start to its end",
            explicit_bucket_boundaries_advisory=SECONDS,
        )  # fmt: skip
        self._tasks = meter.create_histogram(
            "batuta.task.duration", "s", "From a task's start to its end",
            explicit_bucket_boundaries_advisory=SECONDS,
        )  # fmt: skip
        self._retries = meter.create_counter(
            "batuta.tasks.retried", "{task}", "Attempts after a fault"
        )
        self._begun: OrderedDict[tuple[str, str], int] = OrderedDict()
        for gauge in gauges:
            self.watch(gauge)

    def watch(self, gauge: Gauge) -> None:
        """Read something each time metrics are collected."""
        from opentelemetry.metrics import Observation  # noqa: PLC0415 -- brings all of the API

        def read(_: CallbackOptions) -> list[Observation]:
            return [Observation(gauge.read())]

        self._meter.create_observable_gauge(gauge.name, [read], description=gauge.description)

    def saw(self, sight: Sight) -> None:
        """Count a step. See the port."""
        control = "orchestrated" if sight.participant is None else "choreographed"
        of = {"workflow": sight.workflow, "control": control}
        if sight.is_first:
            self._started.add(1, of)
        for happened in sight.reports:
            self._count(sight.run, of, happened)
        if sight.ended_at is not None:
            ended = {**of, "status": sight.status}
            self._ended.add(1, ended)
            self._runs.record((sight.ended_at - sight.started_at) / 1_000, ended)

    def _count(self, run: str, of: dict[str, str], happened: Happened) -> None:
        name = (run, happened.key)
        if happened.what == "started":
            self._begun[name] = happened.at
            if len(self._begun) > MOST_OPEN:
                self._begun.popitem(last=False)
            return
        if happened.what == "heard":
            return
        task = {**of, "task": happened.reference, "participant": happened.participant or ""}
        if happened.what == "retried":
            self._retries.add(1, task)
            return
        begun = self._begun.pop(name, None)
        if begun is not None:
            self._tasks.record((happened.at - begun) / 1_000, {**task, "status": happened.what})


def exposition() -> tuple[bytes, str]:
    """Return all metrics as Prometheus reads them, and the content type to send them under."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
