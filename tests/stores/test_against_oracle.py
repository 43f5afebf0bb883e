"""SQLite and the oracle, operation by operation, on random work by two processes."""

import json
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from batuta.adapters.stores.sqlite import SqliteStore
from batuta.errors import ConflictError
from batuta.ports.listing import RunFilter
from batuta.ports.mail import DEAD, LATE, Outgoing, Parked, Served
from batuta.ports.store import Batch, Change, RunRow, ScheduleRow, Subscription
from batuta.testing.memory_store import Memory, MemoryStore
from batuta.testing.store_material import event

OWNERS = st.sampled_from(["one", "two", "three"])
RUNS = st.sampled_from([f"r{number}" for number in range(8)])
WORKFLOWS = st.sampled_from(["t/a:1.0.0", "t/a:2.0.0", "t/b:1.0.0", "t/a:1.0.0#on"])
DEPLOYED = WORKFLOWS.filter(lambda identity: "#" not in identity)
STATUSES = st.sampled_from(["running", "waiting", "suspended"])
TIMES = st.integers(0, 30)
MAYBE = st.none() | TIMES
TYPES = st.sampled_from(["x", "y", ""])
SOURCES = st.sampled_from(["", ".id", ".other"])
VALUES = st.sampled_from(["", "1", '"a"'])
BODIES = st.binary(max_size=4)
FAULTS = st.sampled_from([b'{"type": "x"}', b'{"type": "y"}', b"{}"])
KEYS = st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, "1", "r1", ["1", 2], True]))
FILTERS = st.builds(
    RunFilter,
    workflow=st.none() | st.sampled_from(["t/a", "t/b", "t/a:2.0.0"]),
    version=st.none() | st.sampled_from(["1.0.0", "2.0.0"]),
    identities=st.none() | st.frozensets(WORKFLOWS),
    control=st.none() | st.sampled_from(["orchestrated", "choreographed"]),
    statuses=st.lists(STATUSES, max_size=2, unique=True).map(tuple),
    stuck=st.none() | st.booleans(),
    since=MAYBE,
    until=MAYBE,
    error=st.none() | st.sampled_from("xy"),
    keys=st.dictionaries(st.sampled_from("ab"), st.sampled_from(["1", "2", "r1"]), max_size=2),
    text=st.none() | st.sampled_from(["r", "r1", "1"]),
    parent=st.none() | RUNS,
)

ROWS = st.builds(
    RunRow,
    id=RUNS,
    workflow=WORKFLOWS,
    status=STATUSES,
    started_at=TIMES,
    wake_at=MAYBE,
    owner=OWNERS,
    parent=st.none() | RUNS,
    control=st.sampled_from(["orchestrated", "choreographed"]),
    first_event=st.integers(0, 6),
    digest=st.none() | st.sampled_from("de"),
)
CHANGES = st.builds(
    Change,
    status=STATUSES,
    wake_at=MAYBE,
    ended_at=MAYBE,
    output=st.none() | BODIES,
    fault=st.none() | FAULTS,
    problem=st.none() | st.sampled_from(["p", ""]),
)
EVENTS = st.builds(event, st.sampled_from("abcdef"), TYPES.filter(bool), data=st.integers(0, 3))
MESSAGES = st.sampled_from(["m1", "m2", "m3"])
PARKED = st.builds(
    Parked,
    at=TIMES,
    why=st.sampled_from([DEAD, LATE]),
    reason=st.just("reason"),
    run=RUNS,
    id=MESSAGES,
    type=TYPES,
    body=BODIES,
)

SERVED = st.builds(
    Served,
    run=RUNS,
    key=st.sampled_from("kl"),
    at=TIMES,
    request=st.none() | BODIES,
    answer=st.none() | BODIES,
)


@st.composite
def batches(draw):
    """A batch as a conductor makes it, though of runs that have nothing to do with each other."""
    batch = Batch()
    batch.runs = draw(st.lists(ROWS, max_size=3))
    rows = st.tuples(RUNS, st.integers(1, 5), TIMES, BODIES, st.none() | BODIES)
    batch.journal = draw(st.lists(rows, max_size=4, unique_by=lambda row: row[:2]))
    batch.changes = draw(st.dictionaries(RUNS, CHANGES, max_size=2))
    batch.subscriptions = draw(
        st.lists(
            st.builds(
                Subscription,
                run=RUNS,
                token=st.just(""),
                key=st.sampled_from("kl"),
                type=TYPES,
                source=SOURCES,
                value=VALUES,
            ),
            max_size=3,
        )
    )
    batch.unsubscriptions = draw(st.lists(st.tuples(RUNS, st.sampled_from(["k", ""])), max_size=2))
    batch.events = draw(st.lists(st.tuples(TIMES, EVENTS), max_size=3))
    batch.snapshots = draw(st.lists(st.tuples(RUNS, st.integers(1, 5), BODIES), max_size=2))
    batch.asks = draw(st.lists(st.tuples(RUNS, BODIES), max_size=2))
    batch.done_requests = draw(st.lists(st.integers(1, 5), max_size=2))
    batch.cursor = draw(st.none() | st.tuples(OWNERS, st.integers(0, 6)))
    batch.schedules = draw(
        st.lists(
            st.builds(
                ScheduleRow,
                identity=WORKFLOWS,
                kind=st.sampled_from(["every", "on"]),
                number=st.integers(0, 5),
                at=TIMES,
                run=RUNS,
                heard=st.just(()) | st.just((1, 2)),
            ),
            max_size=2,
        )
    )
    batch.keys = [
        (run, json.dumps(draw(KEYS)).encode()) for run in {row.id: None for row in batch.runs}
    ]
    batch.inbox = draw(st.lists(st.tuples(RUNS, MESSAGES), max_size=2))
    batch.sent = draw(st.lists(st.integers(1, 40), max_size=2))
    # No store both numbers events itself and is given their numbers; `MailSuite` has those given.
    batch.parked = draw(st.lists(PARKED, max_size=2))
    batch.unparked = draw(st.lists(st.integers(1, 5), max_size=1))
    batch.redriven = draw(st.lists(st.integers(1, 5), max_size=1))
    batch.served = draw(st.lists(SERVED, max_size=2))
    batch.unserved = draw(st.lists(st.tuples(RUNS, st.sampled_from("kl")), max_size=1))
    return batch


class Comparison(RuleBasedStateMachine):
    """Does the same to both, through either of two stores open on each, and compares."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0
        path, memory = Path(self.folder.name) / "s.db", Memory()
        self.real = [SqliteStore(path), SqliteStore(path)]
        self.oracle = [MemoryStore(memory), MemoryStore(memory)]

    def teardown(self):
        for store in self.real:
            store.close()
        self.folder.cleanup()

    def both(self, which, act):
        """Return what both say, which is the same."""
        answers = []
        for store in (self.real[which], self.oracle[which]):
            try:
                answers.append(act(store))
            except ConflictError as error:
                answers.append(f"conflict: {error.message}")
        real, wanted = answers
        assert real == wanted
        return real

    @initialize()
    def begin(self):
        self.both(0, lambda store: store.runs())

    @rule(which=st.integers(0, 1), batch=batches())
    def commit(self, which, batch):
        # A participant numbers its outbox itself, and no number twice.
        self.count += 1
        batch.outbox = [Outgoing(self.count, "m", "t", b"{}", "r1")]
        self.both(which, lambda store: (store.commit(batch), list(batch.numbers))[1])

    @rule(which=st.integers(0, 1), run=RUNS, body=BODIES)
    def ask(self, which, run, body):
        self.both(which, lambda store: store.ask(run, body))

    @rule(which=st.integers(0, 1), owner=OWNERS, orphaned=OWNERS, hidden=st.booleans())
    def adopt(self, which, owner, orphaned, hidden):
        if owner != orphaned:
            self.both(which, lambda store: store.adopt(owner, orphaned, hidden=hidden))

    @rule(
        which=st.integers(0, 1),
        identity=DEPLOYED,
        digest=st.sampled_from("de"),
        at=TIMES,
        replace=st.booleans(),
    )
    def deploy(self, which, identity, digest, at, replace):
        def act(store):
            try:
                store.deploy(identity, digest, digest.encode(), at, replace=replace)
            except ConflictError:
                return "refused"
            return "kept"

        self.both(which, act)

    @rule(which=st.integers(0, 1), before=TIMES, limit=st.integers(1, 4))
    def purge(self, which, before, limit):
        self.both(which, lambda store: store.purge(before, limit=limit))

    @rule(which=st.integers(0, 1), owner=OWNERS, now=TIMES, run=RUNS, identity=WORKFLOWS)
    def look_at_runs(self, which, owner, now, run, identity):
        def act(store):
            return (
                store.runs(limit=3),
                sorted(store.count_runs(now)),
                store.run(run),
                list(store.journal(run, after=1)),
                store.snapshot(run),
                store.live(owner),
                sorted(store.owners()),
                sorted(store.owners(hidden=True)),
                store.next_wake(owner),
                sorted(row.wake_at for row in store.due(owner, now, 3)),
                store.under_way(identity),
                store.requests(owner),
                sorted(store.schedules(identity), key=lambda row: row.kind),
                store.workflows("t/"),
                store.workflow(identity),
                store.digest(identity),
                [store.document(digest) for digest in "de"],
            )

        self.both(which, act)

    @rule(which=st.integers(0, 1), where=FILTERS, before=st.none() | RUNS, limit=st.integers(1, 4))
    def list_runs(self, which, where, before, limit):
        def act(store):
            if before is not None and store.run(before) is None:
                return None
            return store.runs(where, before=before, limit=limit)

        self.both(which, act)

    @rule(which=st.integers(0, 1), after=st.integers(0, 9), kind=TYPES, owner=OWNERS)
    def look_at_events(self, which, after, kind, owner):
        def act(store):
            subscribed = [
                sorted(store.subscribers(kind, source, value))
                for source in ("", ".id")
                for value in ("", "1")
            ]
            return (
                store.events(after, limit=4),
                store.events(after, types=("x", kind)),
                store.last_event(),
                store.cursor(owner),
                sorted(store.sources(kind)),
                subscribed,
                [store.subscriptions(f"r{number}") for number in range(8)],
            )

        self.both(which, act)

    @rule(which=st.integers(0, 1), run=RUNS, message=MESSAGES, place=st.integers(0, 9))
    def look_at_the_mail(self, which, run, message, place):
        def act(store):
            return (
                store.has_taken(run, message),
                store.known(f"r{number}" for number in range(8)),
                store.outbox(place, limit=3),
                store.parked(after=place, limit=3),
                store.parked(LATE),
                store.parked_one(place),
                store.served(run, "k"),
                store.unanswered(),
            )

        self.both(which, act)


@pytest.mark.slow
class TestComparison(Comparison.TestCase):
    settings = settings(
        max_examples=60,
        stateful_step_count=20,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
