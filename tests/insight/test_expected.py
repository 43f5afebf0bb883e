"""What is expected next: what, from whom, and since when; under both control models."""

import pytest

from batuta.insight.expected import AwaitedEvent, Expected, of_account, of_state
from batuta.insight.timeline import account_of
from batuta.kernel.events import CancelAsked, Failed, Performed, Started, SuspendAsked
from batuta.kernel.faults import standard
from batuta.kernel.step import BEHAVIOUR, NEW, step
from batuta.runtime.shared.ids import child_run_id
from batuta.runtime.shared.replay import Ledger

CHARGE = "{ call: charge, with: {}, metadata: { participant: cards%s } }"


class Whole:
    """A run that a conductor would drive, event by event."""

    def __init__(self, program, data=None):
        self.program, self.state, self.ledger, self.now = program, NEW, Ledger(), 1_000
        self.take(Started("r1", data or {}, behaviour=BEHAVIOUR))

    def take(self, event, after=1):
        self.now += after
        taken = step(self.program, self.state, event, self.now)
        self.state = taken.state
        self.ledger.note(event, taken.commands)
        return self

    @property
    def expected(self):
        return of_state(self.program, self.state, self.ledger, 1_000)


def one(found):
    (only,) = found
    return only


# -- under a conductor -----------------------------------------------------------------------------


def test_a_task_that_acts_is_to_be_finished_by_its_participant(program):
    run = Whole(program(f"do: [ {{ charge: {CHARGE % ', sla: { within: PT2S }'} }} ]"))
    assert one(run.expected) == Expected(
        what="finish",
        reference="/do/0/charge",
        name="charge",
        kind="call",
        participant="cards",
        since=1_001,
        due=3_001,
    )


def test_a_hard_timeout_makes_it_due_too(program):
    run = Whole(program(f"do: [ {{ charge: {CHARGE % ', sla: { within: PT2S }'} }} ]", ""))
    timed = Whole(program("timeout: { after: PT1S }\n" + f"do: [ {{ a: {CHARGE % ''} }} ]"))
    assert one(run.expected).due == 3_001
    assert one(timed.expected).due == 2_001


def test_a_listen_says_which_events_it_waits_for(program):
    listen = """
do:
  - hear:
      listen:
        to:
          any:
            - with: { type: paid }
              correlate: { order: { from: .data.order, expect: '${ .id }' } }
            - with: { type: refused }
      metadata: { participant: orders }
"""
    found = one(Whole(program(listen), {"id": 7}).expected)
    assert (found.what, found.participant) == ("event", "orders")
    assert found.events == (
        AwaitedEvent(type="paid", correlate={".data.order": 7}),
        AwaitedEvent(type="refused"),
    )


def test_a_wait_says_when_it_ends(program):
    run = Whole(program("do: [ { rest: { wait: PT1H } } ]"))
    found = one(run.expected)
    assert (found.what, found.due, found.participant) == ("time", 3_601_001, None)


def test_a_sub_workflow_is_named(program):
    sub = "do: [ { sub: { run: { workflow: { namespace: t, name: c, version: 1.0.0 } } } } ]"
    found = one(Whole(program(sub)).expected)
    assert (found.what, found.kind) == ("child", "run")
    assert found.run == child_run_id("r1", "/do/0/sub")


def test_a_retry_says_when_it_comes(program):
    retried = f"""
do:
  - safe:
      try: [ {{ charge: {CHARGE % ""} }} ]
      catch: {{ retry: {{ delay: PT10S }} }}
"""
    run = Whole(program(retried))
    run.take(Failed("", "/do/0/safe/try/0/charge", standard("communication", 500, "Broken")))
    found = one(run.expected)
    assert (found.what, found.reference, found.due) == ("retry", "/do/0/safe", 11_002)


def test_every_branch_is_awaited(program):
    forked = f"""
do:
  - both:
      fork: {{ branches: [ {{ a: {CHARGE % ""} }}, {{ b: {{ wait: PT1S }} }} ] }}
"""
    found = Whole(program(forked)).expected
    assert [(one.what, one.name) for one in found] == [("finish", "a"), ("time", "b")]


def test_who_suspended_a_run_is_expected_to_resume_it(program):
    run = Whole(program(f"do: [ {{ a: {CHARGE % ''} }} ]")).take(SuspendAsked(), after=9)
    assert one(run.expected) == Expected(what="resume", reference="", since=1_010)


def test_of_a_run_that_has_ended_nothing_is_expected(program):
    run = Whole(program(f"do: [ {{ a: {CHARGE % ''} }} ]"))
    assert run.take(Performed("", "/do/0/a", 1)).expected == []
    other = Whole(program(f"do: [ {{ a: {CHARGE % ''} }} ]")).take(CancelAsked())
    assert other.expected == []


def test_a_run_that_has_not_begun_is_the_conductors_to_begin(program):
    begun = program("do: [ { a: { wait: PT1S } } ]")
    assert one(of_state(begun, NEW, Ledger(), 5)).what == "go on"


# -- without one -----------------------------------------------------------------------------------

CHAIN = f"""
do:
  - reserve: {{ call: reserve, with: {{}}, metadata: {{ participant: stock }} }}
  - charge: {CHARGE % ", sla: { within: PT2S }"}
  - hear:
      listen: {{ to: {{ one: {{ with: {{ type: packed }}, correlate:
        {{ order: {{ from: .data.order, expect: '${{ .id }}' }} }} }} }} }}
      metadata: {{ participant: orders }}
  - rest: {{ wait: PT1M, metadata: {{ participant: orders }} }}
"""


def seen(told, status="running"):
    return of_account(
        account_of(told.reports), program=told.program, status=status, first="orders", began=900
    )


@pytest.fixture
def chain(program, told):
    return told(program(CHAIN))


def test_before_anything_is_told_the_first_participant_is_to_begin(chain):
    assert one(seen(chain)) == Expected(what="begin", reference="", participant="orders", since=900)


def test_a_task_under_way_is_to_be_finished(chain):
    found = one(seen(chain.tell("started", "/do/0/reserve")))
    assert (found.what, found.participant, found.since) == ("finish", "stock", 1_001)


def test_whom_control_has_gone_to_is_to_begin(chain):
    chain.done("/do/0/reserve").tell("handed", "/do/1/charge", by="stock")
    found = one(seen(chain))
    assert (found.what, found.participant, found.name) == ("begin", "cards", "charge")
    assert (found.since, found.due, found.kind) == (1_003, 3_003, "call")


def test_the_time_of_a_task_counts_from_when_control_went_to_it(chain):
    chain.done("/do/0/reserve").tell("handed", "/do/1/charge").tell(
        "started", "/do/1/charge", at=2_500
    )
    found = one(seen(chain))
    assert (found.what, found.since, found.due) == ("finish", 1_003, 3_003)


def test_a_listen_says_what_its_definition_says(chain):
    found = one(seen(chain.done("/do/0/reserve", "/do/1/charge").tell("started", "/do/2/hear")))
    assert found.what == "event"
    assert found.events == (AwaitedEvent(type="packed", correlate={".data.order": "${ .id }"}),)


def test_a_wait_is_due_when_it_ends(chain):
    found = one(seen(chain.tell("started", "/do/3/rest")))
    assert (found.what, found.due) == ("time", 61_001)


def test_between_two_tasks_whoever_ended_the_last_is_to_go_on(chain):
    found = one(seen(chain.done("/do/0/reserve")))
    assert (found.what, found.participant, found.since) == ("go on", "stock", 1_002)


def test_a_suspended_or_ended_run_expects_nobody_to_act(chain):
    chain.tell("started", "/do/0/reserve")
    assert one(seen(chain, "suspended")).what == "resume"
    assert seen(chain, "completed") == []


def test_without_the_workflow_what_was_told_is_enough(chain):
    chain.tell("started", "/do/2/hear").tell("handed", "/do/1/charge")
    found = of_account(
        account_of(chain.reports), program=None, status="running", first=None, began=1
    )
    assert [(one.what, one.events, one.due) for one in found] == [
        ("begin", (), None),
        ("event", (), None),
    ]


FORK = f"""
do:
  - both:
      fork:
        branches:
          - left: {CHARGE % ""}
          - right: {{ call: reserve, with: {{}}, metadata: {{ participant: stock }} }}
  - safe:
      try: [ {{ again: {CHARGE % ""} }} ]
      catch: {{ retry: {{ delay: PT10S }} }}
"""
LEFT, RIGHT = "/do/0/both/fork/branches/0/left", "/do/0/both/fork/branches/1/right"


def test_a_join_whose_branches_have_ended_is_its_keepers(program, told):
    fork = told(program(FORK)).tell("started", "/do/0/both", by="orders")
    fork.tell("started", LEFT).tell("handed", RIGHT).tell("completed", LEFT)
    found = one(seen(fork))
    assert (found.what, found.participant, found.name) == ("begin", "stock", "right")
    fork.done(RIGHT)
    found = one(seen(fork))
    assert (found.what, found.participant, found.reference) == ("go on", "orders", "/do/0/both")
    assert found.since == fork.now


def test_a_branch_that_lost_before_it_began_is_not_awaited(program, told):
    fork = told(program(FORK)).tell("started", "/do/0/both", by="orders")
    fork.tell("handed", RIGHT).tell("completed", "/do/0/both").tell("handed", "/do/1/safe")
    assert one(seen(fork)).reference == "/do/1/safe"


def test_between_two_attempts_the_holder_is_to_try_again(program, told):
    tried = told(program(FORK)).tell("started", "/do/1/safe", by="cards")
    tried.tell("started", "/do/1/safe/try/0/again").tell("faulted", "/do/1/safe/try/0/again")
    tried.tell("retried", "/do/1/safe")
    found = one(seen(tried))
    assert (found.what, found.participant, found.since) == ("retry", "cards", 1_003)
    tried.tell("started", "/do/1/safe/try/0/again", "+1")
    assert one(seen(tried)).what == "finish"
