"""What is expected next and whether all is right, of runs under both control models."""

import msgspec
import pytest

import batuta
from batuta.kernel.lifecycle import Happened
from batuta.ports.views import Report
from batuta.runtime.shared.envelope import encode
from batuta.wiring.settings import Placed

TEXT = """\
document:
  dsl: '1.0.3'
  namespace: demo
  name: known
  version: '1.0.0'
do:
  - first: { call: more, with: { number: 1 }, metadata: { participant: one } }
  - second: { call: more, with: { number: 2 }, metadata: { participant: two } }
  - hear:
      listen:
        to:
          one:
            with: { type: paid }
            correlate: { order: { from: .data.order, expect: '${ $workflow.input.id }' } }
      metadata: { participant: one }
"""
BOTH = pytest.mark.parametrize("control", ["orchestrated", "choreographed"])


@batuta.function
async def more(number: int) -> int:
    return number + 1


@pytest.fixture
def opened(tmp_path):
    def opening(**settings):
        return batuta.open(
            f"sqlite:///{tmp_path}/store.db",
            functions=[more],
            settings=batuta.Settings(**settings),
        )

    return opening


async def waiting_for(engine, run, what, reference):
    """Look at a run until this is what is expected in it."""
    while True:
        known = engine.known(run.id)
        if [(one.what, one.reference) for one in known.expected] == [(what, reference)]:
            return known
        await engine.catch_up()
        await engine.settled()


@BOTH
async def test_a_run_that_listens_says_for_what_and_for_whom(opened, control):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(TEXT), {"id": 7}, control=control)
        known = await waiting_for(engine, run, "event", "/do/2/hear")
        await run.cancel()
        await run.result(10)
        ended = engine.known(run.id)

    (expected,) = known.expected
    assert expected.participant == "one"
    (event,) = expected.events
    value = 7 if control == "orchestrated" else "${ $workflow.input.id }"
    assert (event.type, event.correlate) == ("paid", {".data.order": value})
    assert (known.participants, known.conformance.verdict) == (("one", "two"), "ok")
    assert (ended.expected, ended.conformance.verdict) == ((), "ok")


@BOTH
async def test_a_participant_that_is_not_there_is_named_and_the_run_is_stuck(opened, control):
    elsewhere = {"two": Placed(remote=True)}
    async with opened(participants=elsewhere, expected_s=0) as engine:
        run = await engine.start(await engine.deploy(TEXT), {"id": 7}, control=control)
        what = "finish" if control == "orchestrated" else "begin"
        known = await waiting_for(engine, run, what, "/do/1/second")
        while known.conformance.verdict == "ok":
            await engine.settled()  # a millisecond has to pass
            known = engine.known(run.id)

    (expected,) = known.expected
    assert expected.participant == "two"
    assert known.conformance.verdict == "stuck"
    (finding,) = known.conformance.findings
    assert finding.came.startswith("nothing of two for ")
    assert known.as_json()["conformance"]["findings"][0]["reference"] == "/do/1/second"


async def test_what_a_participant_should_not_have_done_is_a_violation(opened):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(TEXT), {"id": 7}, control="choreographed")
        await waiting_for(engine, run, "event", "/do/2/hear")
        wrong = Happened(
            "started", "/do/9/x", "/do/9/x", "x", "call", "two", 1, None, "", 1, by="two"
        )
        report = Report(run.id, wrong.key, wrong.what, 1, 1, 999, 0, encode(wrong))
        engine.meeting.views.see([], [report], "", 0)
        known = engine.known(run.id)

    assert known.conformance.verdict == "violation"
    assert known.conformance.findings[0].came == "x (/do/9/x) began"


async def test_of_a_version_that_is_not_known_here_nothing_is_said_for_certain(opened):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(TEXT), {"id": 7}, control="choreographed")
        await waiting_for(engine, run, "event", "/do/2/hear")
        row = engine.store.run(run.id)
        strange = msgspec.structs.replace(row, workflow="demo/other:1.0.0", digest="x")
        known = engine.knowing.about(strange)

    assert known.conformance.verdict == "inconclusive"
    assert [one.what for one in known.expected] == ["event"]
    assert known.participants == ()


async def test_a_run_that_is_not_there_is_refused(opened):
    async with opened() as engine:
        with pytest.raises(batuta.NotFoundError):
            engine.known("X")
