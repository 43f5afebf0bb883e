"""OpenTelemetry: traces, metrics and structured logs. Loaded only when they are asked for."""

from batuta.adapters.telemetry.logs import JsonLines
from batuta.adapters.telemetry.metrics import RunMetrics, exposition
from batuta.adapters.telemetry.spans import RunSpans

__all__ = ["JsonLines", "RunMetrics", "RunSpans", "exposition"]
