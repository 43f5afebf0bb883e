"""The contract of `Store.runs`, as tests that every store has to pass: each filter, and paging."""

from __future__ import annotations

import json
from typing import Any

from batuta.errors import NotFoundError
from batuta.ports.listing import STUCK, RunFilter, RunTally
from batuta.ports.sla import Notes
from batuta.ports.store import Batch, Change, Store
from batuta.testing.store_material import StoreCase, batch_of, expect

TIMEOUT = "https://serverlessworkflow.io/spec/1.0.0/errors/timeout"


class ListingSuite(StoreCase):
    """Inherit from this, and say how to `open` a store."""

    def _ids(self, store: Store, *, before: str | None = None, **asked: Any) -> list[str]:
        limit = asked.pop("limit", 50)
        page = store.runs(RunFilter(**asked), before=before, limit=limit)
        return [one.id for one in page.rows]

    def test_runs_are_listed_newest_first_by_what_is_asked_for(self) -> None:
        """By when they started, then by id; none that are hidden."""
        with self.opened() as store:
            self._started(store, "r1", "r3", "r5", "r7")
            self._started(store, "r2", workflow="t/w:2.0.0", parent="r1", status="waiting")
            self._started(store, "r4", workflow="t/we:1.0.0")
            self._started(store, "r6", workflow="t/w:1.0.0#on")
            self._started(store, "r0", workflow="t/we:1.0.0", started_at=9)

            def ids(**asked: Any) -> list[str]:
                return self._ids(store, **asked)

            expect(ids(), ["r0", "r7", "r5", "r4", "r3", "r2", "r1"], "newest first, none hidden")
            expect(ids(limit=2), ["r0", "r7"], "at most so many")
            expect(ids(before="r5", limit=2), ["r4", "r3"], "those before one")
            expect(ids(statuses=("waiting",)), ["r2"], "of a status")
            expect(ids(statuses=("waiting", "faulted")), ["r2"], "of one of several")
            expect(ids(workflow="t/w"), ["r7", "r5", "r3", "r2", "r1"], "of any version")
            expect(ids(workflow="t/w:2.0.0"), ["r2"], "of one version")
            expect(ids(version="2.0.0"), ["r2"], "of a version of any workflow")
            expect(ids(identities=frozenset()), [], "of none")
            identities = frozenset({"t/we:1.0.0", "t/w:2.0.0"})
            expect(ids(identities=identities), ["r0", "r4", "r2"], "of these")
            expect(ids(parent="r1"), ["r2"], "of a parent")
            expect(ids(parent="r1", statuses=("running",)), [], "of a parent, and more")
            both = ids(workflow="t/w", before="r3", statuses=("running",))
            expect(both, ["r1"], "all of it at once")

    def test_runs_are_found_by_time_and_control_model(self) -> None:
        """From a time on, and until before one."""
        with self.opened() as store:
            for number in range(1, 6):
                self._started(store, f"r{number}", started_at=10 * number)
            self._started(store, "r9", started_at=35, control="choreographed")

            def ids(**asked: Any) -> list[str]:
                return self._ids(store, **asked)

            expect(ids(since=30, until=50), ["r4", "r9", "r3"], "from one time to another")
            expect(ids(since=30, until=50, before="r9"), ["r3"], "and on from a run")
            expect(ids(since=51), [], "none")
            expect(ids(control="choreographed"), ["r9"], "of a control model")
            expect(ids(control="choreographed", until=35), [], "both")
            expect(ids(until=0), [], "none")

    def test_runs_are_found_by_the_type_of_their_fault(self) -> None:
        """Also by what no list has: a fault that is no JSON has none."""
        with self.opened() as store:
            self._started(store, "r1", "r2", "r3", "r4")
            faults = {"r1": {"type": TIMEOUT}, "r2": {"type": "https://x"}, "r3": {}}
            changes = {
                run: Change(status="faulted", ended_at=2, fault=json.dumps(fault).encode())
                for run, fault in faults.items()
            }
            store.commit(batch_of(changes=changes))
            expect(self._ids(store, error=TIMEOUT), ["r1"], "of a type")
            expect(self._ids(store, error="https://y"), [], "of none")
            expect(self._ids(store, error=TIMEOUT, since=2), [], "of a type, and more")

    def test_runs_are_found_while_they_are_stuck(self) -> None:
        """Those that somebody should move, and those that a problem stopped."""
        with self.opened() as store:
            self._started(store, "r1", "r2", "r3", "r4")
            stuck = Notes()
            stuck.stuck = [("r1", 7), ("r2", 7), ("r9", 7)]
            store.commit(batch_of(notes=stuck))
            store.commit(batch_of(changes={"r3": Change(status="running", problem="p")}))
            expect(self._ids(store, stuck=True), ["r3", "r2", "r1"], "while nobody acts")
            expect(self._ids(store, stuck=False), ["r4"], "all others")
            wanted = (7, 7, None)
            found = tuple(row.stuck for row in reversed(store.runs(limit=9).rows))[:3]
            expect(found, wanted, "and since when")
            mended = Notes()
            mended.stuck = [("r1", None)]
            store.commit(batch_of(notes=mended))
            store.commit(batch_of(changes={"r2": Change(status="completed", ended_at=8)}))
            expect(self._ids(store, stuck=True), ["r3"], "until somebody does, or they end")

    def test_runs_are_found_by_their_keys(self) -> None:
        """By each of them, and by all."""
        with self.opened() as store:
            self._started(store, "r1", "r2", "r3", "r4")
            store.commit(
                batch_of(
                    keys=[
                        ("r1", b'{"order": "A-1", "customer": 7}'),
                        ("r2", b'{"order": "A-2", "customer": 7, "vip": true}'),
                        ("r3", json.dumps({"items": ["x", "y", "x"], "order": "B" * 300}).encode()),
                    ]
                )
            )

            def ids(**asked: str) -> list[str]:
                return self._ids(store, keys=asked)

            expect(ids(order="A-1"), ["r1"], "by one")
            expect(ids(customer="7"), ["r2", "r1"], "a number by its text")
            expect(ids(vip="true"), ["r2"], "a boolean by its text")
            expect(ids(customer="7", order="A-2"), ["r2"], "by all of several")
            expect(ids(customer="7", order="B"), [], "by all of several")
            expect(ids(items="y"), ["r3"], "a list by each of its values")
            expect(ids(order="B" * 300), ["r3"], "a long text by its beginning")
            expect(ids(order="A"), [], "not by a part")
            row = store.run("r1")
            kept = None if row is None else row.keys
            expect(kept, b'{"order": "A-1", "customer": 7}', "and they are shown")
        with self.opened() as store:
            expect(self._ids(store, keys={"order": "A-1"}), ["r1"], "keys last")

    def test_keys_of_a_run_that_begins_are_in_its_batch(self) -> None:
        """And of a batch that is refused nothing is there."""
        with self.opened() as store:
            self._started(store, "r1")
            batch = batch_of(keys=[("r1", b'{"a": 1}')], journal=[("r1", 1, 1, b"{}", None)])
            self._refused(lambda: store.commit(batch), "a journal's row is written once")
            expect(self._ids(store, keys={"a": "1"}), [], "nothing of a refused batch is there")
            expect(bool(Batch()), False, "nothing")
            expect(bool(batch_of(keys=[("r1", b"{}")])), True, "keys are something to commit")

    def test_runs_are_found_by_a_text(self) -> None:
        """That their id begins with, or one of their keys."""
        with self.opened() as store:
            self._started(store, "r1", "r2", "s3", "s4")
            keys = [("r2", b'{"a": "order-1"}'), ("s3", b'{"b": ["x", "order-2"], "c": "rx"}')]
            store.commit(batch_of(keys=keys))
            expect(self._ids(store, text="r"), ["s3", "r2", "r1"], "ids and keys")
            expect(self._ids(store, text="order-"), ["s3", "r2"], "keys of any name")
            expect(self._ids(store, text="order-", keys={"c": "rx"}), ["s3"], "and more")
            expect(self._ids(store, text="order-", before="s3"), ["r2"], "and on")
            expect(self._ids(store, text="%"), [], "no wild cards")

    def test_pages_follow_each_other_without_a_gap(self) -> None:
        """Whatever is asked for, and whichever way is taken."""
        with self.opened() as store:
            for number in range(40):
                self._started(
                    store,
                    f"r{number:02}",
                    started_at=number // 7,
                    workflow=f"t/w{number % 3}:1.0.0",
                    status=("running", "waiting")[number % 2],
                )
            keys = [(f"r{number:02}", b'{"k": %d}' % (number % 4)) for number in range(40)]
            store.commit(batch_of(keys=keys))
            for where in (
                RunFilter(),
                RunFilter(workflow="t/w1"),
                RunFilter(statuses=("waiting",)),
                RunFilter(keys={"k": "1"}),
                RunFilter(keys={"k": "1"}, workflow="t/w1"),
                RunFilter(text="r"),
            ):
                whole = [row.id for row in store.runs(where, limit=100).rows]
                paged: list[str] = []
                before: str | None = None
                while True:
                    page = store.runs(where, before=before, limit=3)
                    paged += [row.id for row in page.rows]
                    before = page.next
                    if before is None:
                        break
                expect(paged, whole, f"pages of {where} make the whole")

    def test_runs_are_counted_by_version_control_model_and_status(self) -> None:
        """Those under way all, those that have ended if they started lately."""
        with self.opened() as store:
            self._started(store, "r1", started_at=5)
            self._started(store, "r2", "r3", "r4", started_at=20)
            self._started(store, "r5", workflow="t/w:2.0.0", control="choreographed")
            self._started(store, "r6", workflow="t/w:1.0.0#on")
            ended = Change(status="completed", ended_at=30)
            stuck = Notes()
            stuck.stuck = [("r4", 7)]
            store.commit(batch_of(changes={"r1": ended, "r2": ended}, notes=stuck))
            orchestrated = ("t/w:1.0.0", "orchestrated")
            wanted = {
                RunTally(*orchestrated, "completed", 1),
                RunTally(*orchestrated, "running", 2),
                RunTally(*orchestrated, STUCK, 1),
                RunTally("t/w:2.0.0", "choreographed", "running", 1),
            }
            expect(set(store.count_runs(10)), wanted, "what started lately, and what is under way")
            older = RunTally(*orchestrated, "completed", 2)
            expect(older in store.count_runs(5), True, "and what started before")

    def test_a_list_goes_on_from_no_run_that_is_gone(self) -> None:
        """Rather than from anywhere."""
        with self.opened() as store:
            try:
                store.runs(before="r1")
            except NotFoundError as error:
                expect("r1" in error.message, True, "the run is named")
            else:
                raise AssertionError("there was no NotFoundError")

    def test_what_runs_were_found_by_goes_with_them(self) -> None:
        """Purging leaves nothing behind."""
        with self.opened() as store:
            self._started(store, "r1", "r2")
            store.commit(
                batch_of(
                    keys=[("r1", b'{"a": 1}'), ("r2", b'{"a": 1}')],
                    changes={"r1": Change(status="completed", ended_at=2)},
                )
            )
            store.purge(5)
            expect(self._ids(store, keys={"a": "1"}), ["r2"], "of the others, all")
            self._started(store, "r1")
            expect(self._ids(store, keys={"a": "1"}), ["r2"], "nothing of it comes back")
