"""Telemetry, when it is asked for: nothing of OpenTelemetry is loaded otherwise."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from batuta.errors import RequestError
from batuta.ports.observer import Observers

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.ports.observer import Observer
    from batuta.wiring.settings import Telemetry

_HINT = "install it: pip install 'batuta[telemetry]'"


@contextmanager
def observing(settings: Telemetry, place: str = "batuta") -> Generator[Observer | None]:
    """Open what the settings ask for; give what is to see the runs, or None when it is nothing.

    Args:
        settings: the table `telemetry` of `batuta.toml`.
        place: names the service in traces and metrics, unless the settings do.

    Raises:
        RequestError: OpenTelemetry is not installed.
    """
    observers: list[Observer] = []
    with ExitStack() as opened:
        try:
            if settings.logs == "json":
                opened.enter_context(_logging_json())
            if settings.traces != "off" or settings.metrics != "off":
                observers += _exporters(settings, settings.service or place, opened)
        except ModuleNotFoundError as error:
            raise RequestError(
                f"telemetry is asked for, and {error.name} is not installed", hint=_HINT
            ) from None
        match observers:
            case []:
                yield None
            case [one]:
                yield one
            case _:
                yield Observers(observers)


def _exporters(settings: Telemetry, service: str, opened: ExitStack) -> list[Observer]:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- loaded when asked for

    from batuta.adapters.telemetry import RunMetrics, RunSpans  # noqa: PLC0415 -- as above

    resource = Resource.create({"service.name": service})
    base = None if settings.endpoint is None else settings.endpoint.rstrip("/")
    observers: list[Observer] = []
    if settings.traces == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 -- as above
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- as above

        processor = BatchSpanProcessor(
            OTLPSpanExporter(endpoint=None if base is None else f"{base}/v1/traces")
        )
        opened.callback(processor.shutdown)
        observers.append(RunSpans(processor, resource, settings.sample))
    if settings.metrics != "off":
        from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 -- as above

        provider = MeterProvider([_reader(settings.metrics, base)], resource)
        opened.callback(provider.shutdown)
        observers.append(RunMetrics(provider.get_meter("batuta")))
    return observers


def _reader(kind: str, base: str | None):  # noqa: ANN202 -- its type is loaded when asked for
    if kind == "prometheus":
        from opentelemetry.exporter.prometheus import (  # noqa: PLC0415 -- loaded when asked for
            PrometheusMetricReader,
        )

        return PrometheusMetricReader()
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415 -- as above
        OTLPMetricExporter,
    )
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 -- as above
        PeriodicExportingMetricReader,
    )

    return PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=None if base is None else f"{base}/v1/metrics")
    )


@contextmanager
def _logging_json() -> Generator[None]:
    """Write the log of Batuta as JSON lines on stderr, and in no other form."""
    from batuta.adapters.telemetry.logs import JsonLines  # noqa: PLC0415 -- loaded when asked for

    log = logging.getLogger("batuta")
    before, level = list(log.handlers), log.level
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.handlers = before
        log.setLevel(level)
