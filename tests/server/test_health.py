"""The first screen and the SLA board: how everything does."""

from batuta.wiring.settings import Telemetry

PROMISING = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: promising
  version: '1.0.0'
  metadata: { sla: { within: PT1H, warn: PT10M } }
do:
  - hear: { listen: { to: { one: { with: { type: com.acme.go } } } } }
"""


async def test_metrics_are_there_for_who_asked_for_them(opened, served):
    assert (await served.http.get("/metrics")).status_code == 404
    async with opened(telemetry=Telemetry(metrics="prometheus")) as measured:
        await measured.ended("demo/greeting", {"name": "Ada"})
        told = (await measured.http.get("/metrics")).text
        async with measured.stranger() as stranger:
            assert (await stranger.get("/metrics")).status_code == 401
    assert "batuta_runs_ended_total" in told


async def test_the_overview_tells_how_each_workflow_does(served):
    await served.ended("demo/greeting", {"name": "Ada"})
    await served.ended("demo/failing")
    shown = await served.get("/overview")
    rows = {one["workflow"]: one for one in shown["workflows"]}
    assert (rows["demo/greeting"]["completed"], rows["demo/greeting"]["successRate"]) == (1, 1.0)
    assert (rows["demo/failing"]["faulted"], rows["demo/failing"]["successRate"]) == (1, 0.0)
    assert rows["demo/greeting"]["control"] == {"orchestrated": 1, "choreographed": 0}
    assert (shown["dead"], shown["breaches"]) == (0, 0)


async def test_the_board_shows_what_is_promised_and_open(served):
    await served.deploy(PROMISING)
    run = await served.post("/runs", {"workflow": "demo/promising"}, status=201)
    board = await served.get("/sla")
    (item,) = board["items"]
    assert (item["workflow"], item["within"], item["open"]) == (
        "demo/promising:1.0.0",
        3_600_000,
        1,
    )
    assert [(one["run"], one["state"]) for one in board["open"]] == [(run["id"], "open")]
