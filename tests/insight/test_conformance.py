"""A run is held against its workflow: as a partial order, and against its soft deadlines."""

import pytest

from batuta.insight.conformance import Rules, Standing, conformance
from batuta.insight.expected import of_account
from batuta.insight.timeline import account_of

CHAIN = """
do:
  - reserve: { call: reserve, with: {}, metadata: { participant: stock } }
  - charge: { call: charge, with: {}, metadata: { participant: cards, sla: { within: PT2S } } }
  - each:
      for: { in: .items }
      do:
        - pack: { call: pack, with: {}, metadata: { participant: stock } }
        - drive: { call: drive, with: {}, metadata: { participant: vans } }
  - hear: { listen: { to: { one: { with: { type: x } } } }, metadata: { participant: orders } }
"""
RESERVE, CHARGE, EACH = "/do/0/reserve", "/do/1/charge", "/do/2/each"
PACK, DRIVE, HEAR = f"{EACH}/do/0/pack", f"{EACH}/do/1/drive", "/do/3/hear"


@pytest.fixture
def chain(program, told):
    return told(program(CHAIN, "sla: { within: PT1M }"))


def judged(told, *, status="running", now=None, ended=None, expected_ms=300_000):
    account = account_of(told.reports)
    expected = of_account(account, program=told.program, status=status, first="orders", began=1_000)
    run = Standing(status, 1_000, ended, told.now if now is None else now)
    return conformance(Rules(told.program, {}), account, expected, run, expected_ms)


def whats(found):
    return found.verdict, [(one.verdict, one.what, one.reference) for one in found.findings]


def test_a_run_that_goes_as_its_workflow_says_is_ok(chain):
    chain.done(RESERVE, CHARGE).tell("started", EACH).done(PACK, DRIVE, path="[0]")
    chain.done(PACK, path="[1]").tell("started", DRIVE, "[1]", by="stock")
    assert whats(judged(chain)) == ("ok", [])


def test_a_run_of_which_nothing_is_told_yet_is_ok(chain):
    assert whats(judged(chain)) == ("ok", [])


# -- violations ------------------------------------------------------------------------------------


def test_a_task_before_its_turn_is_a_violation_and_says_what_was_allowed(chain):
    found = judged(chain.tell("started", RESERVE).tell("started", CHARGE))
    assert whats(found) == ("violation", [("violation", "out of order", CHARGE)])
    assert found.findings[0].came == "charge (/do/1/charge) began"
    assert found.findings[0].allowed == "charge once reserve (/do/0/reserve) has completed"
    assert found.findings[0].at == chain.now


def test_times_order_nothing(chain):
    chain.tell("started", CHARGE, at=10).tell("completed", CHARGE, at=11)
    chain.done(RESERVE)
    assert judged(chain, now=20).verdict == "ok"


def test_iterations_are_held_apart(chain):
    chain.done(RESERVE, CHARGE).tell("started", EACH).done(PACK, path="[0]")
    found = judged(chain.tell("started", DRIVE, "[1]", by="stock"))
    assert whats(found) == ("violation", [("violation", "out of order", DRIVE)])


def test_a_task_whose_scope_has_not_begun_is_a_violation(chain):
    found = judged(chain.done(RESERVE, CHARGE).done(PACK, path="[0]"))
    assert whats(found) == ("violation", [("violation", "out of order", PACK)])
    assert found.findings[0].allowed == "pack once what it stands in has begun"


def test_a_task_that_the_workflow_does_not_have_is_a_violation(chain):
    found = judged(chain.done("/do/9/other"))
    assert whats(found) == ("violation", [("violation", "unknown task", "/do/9/other")])
    assert found.findings[0].allowed == "the tasks of t/w:1.0.0"


def test_a_task_of_somebody_else_is_a_violation(chain):
    found = judged(chain.tell("started", RESERVE, by="cards"))
    assert whats(found) == ("violation", [("violation", "wrong participant", RESERVE)])
    assert found.findings[0].came == "reserve (/do/0/reserve) began by cards"
    assert found.findings[0].allowed == "stock"


def test_whoever_asks_a_service_tells_of_its_tasks(chain):
    chain.done(RESERVE, CHARGE).tell("started", EACH).done(PACK, path="[0]")
    assert judged(chain.tell("started", DRIVE, "[0]", by="orders")).verdict == "ok"


# -- not enough is known ---------------------------------------------------------------------------


def test_an_end_without_a_start_is_inconclusive_and_counts_as_done(chain):
    found = judged(chain.tell("completed", RESERVE).done(CHARGE))
    assert whats(found) == ("inconclusive", [("inconclusive", "untold start", RESERVE)])


def test_a_task_that_faults_before_it_begins_is_nothing_untold(chain):
    assert judged(chain.tell("faulted", RESERVE)).verdict == "ok"


def test_a_task_that_never_ended_in_a_run_that_completed_is_inconclusive(chain):
    found = judged(chain.tell("started", RESERVE), status="completed", ended=2_000)
    assert whats(found) == ("inconclusive", [("inconclusive", "untold end", RESERVE)])


def test_without_the_workflow_or_the_history_nothing_can_be_said(chain):
    run = Standing("running", 1_000, None, 2_000)
    unknown = conformance(None, account_of([]), [], run)
    lost = conformance(Rules(chain.program, {}), None, [], run)
    assert (unknown.verdict, unknown.findings[0].what) == ("inconclusive", "workflow")
    assert (lost.verdict, lost.findings[0].what) == ("inconclusive", "history")


# -- late and stuck --------------------------------------------------------------------------------


def test_a_task_that_took_longer_than_its_sla_was_late(chain):
    chain.done(RESERVE).tell("started", CHARGE, at=2_000).tell("completed", CHARGE, at=4_001)
    found = judged(chain)
    assert whats(found) == ("late", [("late", "sla", CHARGE)])
    assert (found.findings[0].came, found.findings[0].allowed) == ("2001 ms", "2000 ms")


def test_the_time_of_a_task_counts_from_when_control_went_to_it(chain):
    chain.done(RESERVE).tell("handed", CHARGE, at=2_000)
    chain.tell("started", CHARGE, at=3_900).tell("completed", CHARGE, at=4_100)
    assert judged(chain).verdict == "late"


def test_a_run_that_took_longer_than_its_sla_was_late(chain):
    found = judged(chain.done(RESERVE), now=61_001, expected_ms=10**9)
    assert whats(found) == ("late", [("late", "sla", "")])
    assert judged(chain, status="completed", ended=61_000, now=10**9).verdict == "ok"


def test_a_task_under_way_past_its_sla_is_stuck(chain):
    chain.done(RESERVE).tell("started", CHARGE, at=2_000)
    found = judged(chain, now=4_001)
    assert whats(found) == ("stuck", [("late", "sla", CHARGE), ("stuck", "finish", CHARGE)])
    assert found.findings[1].came == "nothing of cards for 2001 ms"
    assert found.findings[1].allowed == "cards to finish charge (/do/1/charge) within 2000 ms"
    assert judged(chain, now=4_000).verdict == "ok"


def test_a_participant_that_does_not_begin_in_the_expected_time_is_stuck(chain):
    chain.done(RESERVE, CHARGE).tell("started", EACH).tell("handed", PACK, "[0]", at=5_000)
    found = judged(chain, now=6_001, expected_ms=1_000)
    assert whats(found) == ("stuck", [("stuck", "begin", PACK)])
    assert found.findings[0].allowed == "stock to begin pack (/do/2/each/do/0/pack) within 1000 ms"
    assert judged(chain, now=6_000, expected_ms=1_000).verdict == "ok"


def test_nobody_is_stuck_who_waits_for_an_event_without_an_sla(chain):
    chain.done(RESERVE, CHARGE).tell("started", EACH).tell("completed", EACH)
    assert judged(chain.tell("started", HEAR), now=50_000, expected_ms=1).verdict == "ok"


def test_nobody_is_stuck_in_a_run_that_is_suspended_or_over(chain):
    chain.tell("started", RESERVE)
    assert judged(chain, status="suspended", now=50_000, expected_ms=1).verdict == "ok"
    assert judged(chain, status="cancelled", ended=1_500, expected_ms=1).verdict == "ok"


def test_a_wait_is_stuck_when_it_is_over_and_nobody_wakes_up(program, told):
    rest = "do: [ { rest: { wait: PT1M, metadata: { participant: orders } } } ]"
    waiting = told(program(rest)).tell("started", "/do/0/rest", at=1_000)
    assert judged(waiting, now=61_999, expected_ms=1_000).verdict == "ok"
    assert judged(waiting, now=62_001, expected_ms=1_000).verdict == "stuck"


def test_a_run_that_nobody_begins_is_stuck(chain):
    found = judged(chain, now=3_001, expected_ms=2_000)
    assert whats(found) == ("stuck", [("stuck", "begin", "")])
    assert found.findings[0].allowed == "orders to begin the run within 2000 ms"
