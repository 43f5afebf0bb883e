"""Traces, metrics and logs of runs, as a collector and a log reader get them."""

import http.server
import json
import logging
import threading
from collections import Counter

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import batuta
from batuta.adapters.telemetry import exposition
from batuta.ports.tracing import span_id, trace_id, traceparent
from batuta.wiring.settings import Settings, Telemetry

ORDER = """
document:
  dsl: '1.0.3'
  namespace: shop
  name: order
  version: '1.0.0'
  metadata: { participants: { desk: {}, bank: {} } }
do:
  - count:
      for: { each: one, in: '${ .lines }' }
      do:
        - note: { call: note, with: { line: '${ $one }' }, metadata: { participant: desk } }
  - pay:
      try:
        - charge: { call: charge, metadata: { participant: bank } }
      catch:
        retry: { limit: { attempt: { count: 2 } } }
  - tell: { emit: { event: { with: { type: shop.paid } } }, metadata: { participant: bank } }
"""


class Collector:
    """An OpenTelemetry collector: it keeps what is sent to it by OTLP over HTTP."""

    def __init__(self):
        self.spans = []
        self.metrics = []
        keep = self._keep

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keep(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _keep(self, path, body):
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.spans += scope.spans
        else:
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    self.metrics += scope.metrics

    def of(self, run):
        """Return a run's spans: (name, name of the parent, status code), the order apart."""
        spans = {one.span_id: one for one in self.spans if one.trace_id == _trace(run)}
        found = Counter()
        for one in spans.values():
            parent = spans.get(one.parent_span_id)
            found[one.name, parent and parent.name, one.status.code] += 1
        return found

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector():
    found = Collector()
    yield found
    found.close()


@pytest.fixture
def settings(collector):
    return Settings(telemetry=Telemetry(traces="otlp", endpoint=collector.url))


@pytest.fixture
def said():
    return []


@pytest.fixture
def functions(said):
    @batuta.function
    def note(line: int) -> int:
        return line

    @batuta.function
    def charge(context: batuta.Context) -> str:
        said.append(context.traceparent)
        if context.attempt == 1:
            raise batuta.Fault("communication", 503, "Busy")
        context.logger.info("charged")
        return "paid"

    return [note, charge]


async def orders(folder, settings, functions, control, count=1):
    """Run the order, and return the runs' ids and what was published."""
    async with batuta.open(
        f"sqlite:///{folder}/{control}.db", settings=settings, functions=functions
    ) as engine:
        await engine.deploy(ORDER)
        runs = [
            await engine.start("shop/order", {"lines": [1, 2]}, control=control)
            for _ in range(count)
        ]
        views = [await run.result(wait=30) for run in runs]
        assert {view.status for view in views} == {"completed"}, views
        return [run.id for run in runs], [one.event for one in engine.events()]


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_a_run_is_a_trace_and_its_tasks_are_spans_in_it(
    tmp_path, collector, settings, functions, control
):
    (run,), _ = await orders(tmp_path, settings, functions, control)
    ok, error = 0, 2
    assert collector.of(run) == {
        ("shop/order:1.0.0", None, ok): 1,
        ("count", "shop/order:1.0.0", ok): 1,
        ("note", "count", ok): 2,
        ("pay", "shop/order:1.0.0", ok): 1,
        ("charge", "pay", error): 1,
        ("charge", "pay", ok): 1,
        ("tell", "shop/order:1.0.0", ok): 1,
    }


@pytest.mark.parametrize("control", ["orchestrated", "choreographed"])
async def test_the_context_goes_along_with_calls_and_events(
    tmp_path, settings, functions, said, control
):
    (run,), events = await orders(tmp_path, settings, functions, control)
    first, second = "/do/1/pay/try/0/charge", "/do/1/pay/try/0/charge+1"
    assert said == [traceparent(run, first), traceparent(run, second)]
    paid = [one for one in events if one["type"] == "shop.paid"]
    assert [one["traceparent"] for one in paid] == [traceparent(run, "/do/2/tell")]


async def test_a_part_of_all_runs_is_traced_whole_or_not_at_all(tmp_path, collector, functions):
    half = Telemetry(traces="otlp", endpoint=collector.url, sample=0.5)
    runs, _ = await orders(tmp_path, Settings(telemetry=half), functions, "orchestrated", 40)
    sizes = {run: collector.of(run).total() for run in runs}
    assert set(sizes.values()) == {0, 8}


async def test_metrics_are_counted_per_workflow_and_task(tmp_path, collector, functions):
    asked = Telemetry(metrics="otlp", endpoint=collector.url)
    await orders(tmp_path, Settings(telemetry=asked), functions, "orchestrated", 3)
    by_name = {metric.name: metric for metric in collector.metrics}
    (ended,) = by_name["batuta.runs.ended"].sum.data_points
    assert ended.as_int == 3
    assert {one.key: one.value.string_value for one in ended.attributes} == {
        "workflow": "shop/order:1.0.0",
        "control": "orchestrated",
        "status": "completed",
    }
    durations = by_name["batuta.task.duration"].histogram.data_points
    counts = Counter()
    for point in durations:
        named = {one.key: one.value.string_value for one in point.attributes}
        counts[named["task"], named["status"]] += point.count
    assert counts["/do/0/count/do/0/note", "completed"] == 6
    assert counts["/do/1/pay/try/0/charge", "faulted"] == 3


async def test_prometheus_reads_them_too(tmp_path, functions):
    asked = Settings(telemetry=Telemetry(metrics="prometheus"))
    async with batuta.open(
        f"sqlite:///{tmp_path}/p.db", settings=asked, functions=functions
    ) as engine:
        await engine.deploy(ORDER)
        await (await engine.start("shop/order", {"lines": []})).result(wait=30)
        body, kind = exposition()
    assert kind.startswith("text/plain")
    line = 'batuta_runs_ended_total{control="orchestrated",otel_scope_name="batuta"'
    assert any(one.startswith(line) and one.endswith(" 1.0") for one in body.decode().splitlines())


async def test_logs_are_lines_of_json_that_name_run_and_task(tmp_path, functions, capsys):
    asked = Settings(telemetry=Telemetry(logs="json"))
    (run,), _ = await orders(tmp_path, asked, functions, "orchestrated")
    lines = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    (charged,) = [one for one in lines if one["message"].endswith("charged")]
    assert charged["run_id"] == run
    assert charged["reference"] == "/do/1/pay/try/0/charge"
    assert charged["trace_id"] == f"{trace_id(run):032x}"
    assert charged["level"] == "info"
    assert not [one for one in logging.getLogger("batuta").handlers if one.formatter]


async def test_without_being_asked_for_nothing_is_told(tmp_path, collector, functions, said):
    _, events = await orders(tmp_path, Settings(), functions, "orchestrated")
    assert said == [None, None]
    assert not any("traceparent" in one for one in events)
    assert collector.spans == []


def test_ids_of_traces_and_spans_are_never_those_that_mean_none():
    assert trace_id("r") != trace_id("s")
    assert span_id("r", "/do/0/a") != span_id("r", "/do/0/a+1")
    assert traceparent("r") == f"00-{trace_id('r'):032x}-{span_id('r'):016x}-01"


def _trace(run):
    return trace_id(run).to_bytes(16)
