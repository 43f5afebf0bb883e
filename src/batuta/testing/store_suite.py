"""The contract of `batuta.ports.store.Store`, as tests that every store has to pass.

A store's own tests inherit the suite and say how to open it:

    class TestMyStore(StoreSuite):
        @pytest.fixture(autouse=True)
        def place(self, tmp_path):
            self.path = tmp_path / "store"

        def open(self) -> Store:
            return MyStore(self.path)

`open` is called several times within one test: each time as another process would, on what the
stores before it have written. No test may be left out: they are about what must not get lost.
"""

from __future__ import annotations

from batuta.ports.store import Batch, Change, JournalRow, ScheduleRow, Subscription
from batuta.testing.listing_suite import ListingSuite
from batuta.testing.store_material import (
    OTHER,
    OWNER,
    batch_of,
    event,
    expect,
    row,
    run_row,
)


class StoreSuite(ListingSuite):
    """Inherit from this, and say how to `open` a store."""

    # -- durability --------------------------------------------------------------------------------

    def test_what_was_committed_is_there_when_opened_again(self) -> None:
        """The first promise."""
        with self.opened() as store:
            self._started(store, "r1", setup="{}", control="choreographed", first_event=7)
            store.commit(
                batch_of(
                    snapshots=[("r1", 1, b"state")],
                    subscriptions=[Subscription(run="r1", token="", key="k", type="t")],
                    events=[(5, event("e1"))],
                    cursor=(OWNER, 1),
                    schedules=[ScheduleRow(identity="t/w:1.0.0", kind="every", number=1, at=9)],
                )
            )
            store.deploy("t/w:1.0.0", "d", b"{}", 3)
            store.ask("r1", b"[1]")
        with self.opened() as store:
            wanted = run_row("r1", setup="{}", control="choreographed", first_event=7)
            expect(store.run("r1"), wanted, "a run's row lasts")
            expect(list(store.journal("r1")), [JournalRow("r1", 1, 1_001, b"{}")], "rows last")
            expect(store.snapshot("r1"), (1, b"state"), "snapshots last")
            expect(len(store.subscriptions("r1")), 1, "subscriptions last")
            expect([one.event for one in store.events(0)], [event("e1")], "events last")
            expect(store.cursor(OWNER), 1, "places last")
            expect(len(store.schedules("t/w:1.0.0")), 1, "schedules last")
            expect(store.workflow("t/w:1.0.0"), b"{}", "workflows last")
            expect([one.body for one in store.requests(OWNER)], [b"[1]"], "requests last")

    def test_what_one_process_commits_another_reads_at_once(self) -> None:
        """No cache stands between them."""
        with self.opened() as one, self.opened() as other:
            before = other.version()
            self._started(one, "r1")
            expect(other.run("r1"), run_row("r1"), "others see what was committed")
            expect(other.version() == before, False, "others notice that something was committed")
            expect(other.version(), other.version(), "and that nothing was since")

    def test_a_batch_is_written_whole_or_not_at_all(self) -> None:
        """A conflict in one part leaves no other part behind."""
        with self.opened() as store:
            self._started(store, "r1")
            batch = batch_of(
                runs=[run_row("r2")],
                journal=[row("r2", 1), row("r1", 1, b"other")],
                changes={"r1": Change(status="completed", ended_at=1)},
                events=[(1, event("e1"))],
                subscriptions=[Subscription(run="r2", token="", key="k")],
                snapshots=[("r1", 1, b"s")],
                cursor=(OWNER, 9),
            )
            error = self._refused(lambda: store.commit(batch), "a row is written once")
            expect(error.message, "r1", "a conflict names the run")
            expect(store.run("r2"), None, "nothing of a refused batch is there")
            expect(store.run("r1"), run_row("r1"), "nothing of a refused batch is there")
            expect([one.body for one in store.journal("r1")], [b"{}"], "a row never changes")
            expect(store.events(0), [], "nothing of a refused batch is there")
            expect(store.subscribers("", "", ""), [], "nothing of a refused batch is there")
            expect(store.snapshot("r1"), None, "nothing of a refused batch is there")
            expect(store.cursor(OWNER), None, "nothing of a refused batch is there")

    def test_a_batch_a_second_time_is_refused(self) -> None:
        """Rows are keyed."""
        with self.opened() as store:
            batch = batch_of(runs=[run_row("r1")], journal=[row("r1", 1)])
            store.commit(batch)
            self._refused(lambda: store.commit(batch), "a batch is committed once")

    def test_a_process_that_lost_a_run_cannot_write_its_next_row(self) -> None:
        """The journal's key is the fence between processes."""
        with self.opened() as one, self.opened() as other:
            self._started(one, "r1", "r2")
            other.commit(batch_of(journal=[row("r1", 2, b"other")]))
            stale = batch_of(journal=[row("r2", 2), row("r1", 2, b"stale")])
            error = self._refused(lambda: one.commit(stale), "the fence holds")
            expect(error.message, "r1", "the lost run is named, not the other")
            expect([one.body for one in one.journal("r1")], [b"{}", b"other"], "the first stays")
            expect(len(list(one.journal("r2"))), 1, "nothing of a refused batch is there")

    def test_a_run_id_is_given_once(self) -> None:
        """Starting with an id of one's own is starting at most once."""
        with self.opened() as store:
            self._started(store, "r1")
            other = batch_of(runs=[run_row("r0"), run_row("r1")])
            error = self._refused(lambda: store.commit(other), "an id is given once")
            expect(error.message, "r1", "the run that exists is named")
            twice = batch_of(runs=[run_row("r2"), run_row("r3"), run_row("r3")])
            error = self._refused(lambda: store.commit(twice), "also within one batch")
            expect(error.message, "r3", "the run that exists is named")

    def test_an_empty_batch_changes_nothing(self) -> None:
        """It is committed all the same."""
        with self.opened() as store:
            store.commit(Batch())
            expect(store.runs().rows, [], "there is nothing")

    def test_a_large_batch_is_one_commit(self) -> None:
        """Also when it has more values than one statement takes."""
        count = 7_001
        with self.opened() as store:
            ids = [f"r{number:05}" for number in range(count)]
            self._started(store, *ids)
            expect(len(store.runs(limit=count + 1).rows), count, "every run is there")
            expect(len(list(store.journal(ids[-1]))), 1, "every row is there")

    def test_rows_are_read_in_order_and_from_a_place_on(self) -> None:
        """Whatever order they were written in."""
        with self.opened() as store:
            store.commit(batch_of(journal=[row("r1", 2), row("r1", 1), row("r2", 1)]))
            store.commit(batch_of(journal=[("r1", 3, 7, b"x", b"[]")]))
            expect([one.seq for one in store.journal("r1")], [1, 2, 3], "rows come in order")
            expect(
                list(store.journal("r1", after=2)),
                [JournalRow("r1", 3, 7, b"x", b"[]")],
                "only later rows",
            )
            expect(list(store.journal("r3")), [], "an unknown run has none")

    # -- runs --------------------------------------------------------------------------------------

    def test_a_change_keeps_what_it_does_not_name_except_the_wake_up(self) -> None:
        """A wake-up that is not said again is none."""
        with self.opened() as store:
            self._started(store, "r1")
            store.commit(batch_of(changes={"r1": Change(status="waiting", wake_at=5)}))
            store.commit(batch_of(changes={"r1": Change(status="running", problem="p")}))
            wanted = run_row("r1", status="running", problem="p")
            expect(store.run("r1"), wanted, "a change names status and wake-up anew")
            store.commit(batch_of(changes={"r1": Change(status="suspended")}))
            wanted = run_row("r1", status="suspended", problem="p")
            expect(store.run("r1"), wanted, "a problem stays")
            store.commit(batch_of(changes={"r1": Change(status="running", problem="")}))
            expect(store.run("r1"), run_row("r1"), "until there is none any more")

    def test_an_end_is_written_once(self) -> None:
        """Whoever comes later changes nothing."""
        with self.opened() as store:
            self._started(store, "r1")
            end = Change(status="completed", ended_at=9, output=b"1")
            store.commit(batch_of(changes={"r1": end}))
            late = Change(status="faulted", ended_at=10, fault=b"{}", wake_at=3, problem="p")
            store.commit(batch_of(changes={"r1": late}))
            wanted = run_row("r1", status="completed", ended_at=9, output=b"1")
            expect(store.run("r1"), wanted, "an end is written once")

    def test_live_runs_are_those_under_way_of_one_owner(self) -> None:
        """Recovery loads these."""
        with self.opened() as store:
            self._started(store, "r2", "r1", "r3", "r4")
            self._started(store, "r5", owner=OTHER)
            changes = {
                "r3": Change(status="waiting"),
                "r4": Change(status="completed", ended_at=2),
            }
            store.commit(batch_of(changes=changes))
            expect([one.id for one in store.live(OWNER)], ["r1", "r2"], "oldest first")
            expect(sorted(store.owners()), [OTHER, OWNER], "owners of runs that have not ended")
            store.commit(batch_of(changes={"r5": Change(status="faulted", ended_at=3)}))
            expect(store.owners(), [OWNER], "no others")

    def test_waiting_runs_are_found_when_they_are_due(self) -> None:
        """The longest overdue first."""
        with self.opened() as store:
            self._started(store, "r1", "r2", "r3", "r4")
            self._started(store, "r5", owner=OTHER)
            waits = {"r1": 30, "r2": 10, "r3": 20, "r4": None, "r5": 5}
            store.commit(
                batch_of(
                    changes={one: Change(status="waiting", wake_at=at) for one, at in waits.items()}
                )
            )
            expect(store.next_wake(OWNER), 10, "the next one")
            expect([one.id for one in store.due(OWNER, 29, 9)], ["r2", "r3"], "those due")
            expect([one.id for one in store.due(OWNER, 30, 2)], ["r2", "r3"], "at most so many")
            expect([one.id for one in store.due(OWNER, 9, 9)], [], "none before its time")
            store.commit(batch_of(changes={"r2": Change(status="completed", ended_at=11)}))
            expect(store.next_wake(OWNER), 20, "an ended run is due no more")
            expect(store.next_wake("nobody"), None, "whoever has no runs has none due")

    def test_snapshots_never_go_back(self) -> None:
        """A late one changes nothing."""
        with self.opened() as store:
            store.commit(batch_of(snapshots=[("r1", 5, b"five"), ("r2", 1, b"one")]))
            store.commit(batch_of(snapshots=[("r1", 4, b"four")]))
            expect(store.snapshot("r1"), (5, b"five"), "the latest stays")
            store.commit(batch_of(snapshots=[("r1", 6, b"six")]))
            expect(store.snapshot("r1"), (6, b"six"), "a later one replaces it")
            expect(store.snapshot("r3"), None, "there may be none")

    def test_a_version_that_nothing_uses_may_be_replaced(self) -> None:
        """Runs that ended keep what they ran; runs under way are not taken theirs away."""
        with self.opened() as one, self.opened() as other:
            one.deploy("t/a:1.0.0", "d1", b"1", 1)
            self._started(one, "r1", workflow="t/a:1.0.0", digest="d1")
            self._started(one, "r2", workflow="t/a:1.0.0#on", digest="d1")

            def replaced() -> None:
                other.deploy("t/a:1.0.0", "d2", b"2", 2, replace=True)

            error = self._refused(replaced, "a run uses the version")
            expect("r1" in error.message, True, "it names the run")
            ended = Change(status="completed", ended_at=5)
            one.commit(batch_of(changes={"r1": ended}))
            self._refused(replaced, "a hidden run uses the version")
            one.commit(batch_of(changes={"r2": ended}))
            replaced()
            expect(one.digest("t/a:1.0.0"), "d2", "the new one is deployed")
            expect(one.workflow("t/a:1.0.0"), b"2", "with its content")
            expect(one.document("d1"), b"1", "ended runs keep theirs")
            run = other.run("r1")
            expect(run and run.digest, "d1", "a run tells which it is")
            one.purge(6)
            expect(one.document("d1"), None, "nothing needs it any more")
            expect(one.document("d2"), b"2", "what is deployed stays")
            self._refused(
                lambda: one.deploy("t/a:1.0.0", "d1", b"1", 3), "who does not ask is refused"
            )

    def test_workflows_are_kept_by_identity_and_never_change(self) -> None:
        """A run means the same for ever."""
        with self.opened() as store:
            store.deploy("t/b:1.0.0", "d1", b"1", 1)
            store.deploy("t/a:1.0.0", "d2", b"2", 2)
            store.deploy("t/a:1.0.0", "d2", b"2", 3)
            deployed = store.workflows
            error = self._refused(
                lambda: store.deploy("t/a:1.0.0", "d3", b"3", 4), "a version has one content"
            )
            expect(bool(error.message), True, "it says why")
            expect(store.workflow("t/a:1.0.0"), b"2", "the first content stays")
            expect(store.workflow("t/c:1.0.0"), None, "an unknown one is none")
            expect(store.digest("t/a:1.0.0"), "d2", "and its digest")
            expect(store.digest("t/c:1.0.0"), None, "an unknown one has none")
            expect(store.document("d3"), None, "what was refused is not kept")
            expect(store.deployed_at("t/a:1.0.0"), 2, "since it was deployed first")
            expect(store.deployed_at("t/c:1.0.0"), None, "an unknown one never was")
            expect(deployed(), ["t/b:1.0.0", "t/a:1.0.0"], "in the order of deployment")
            expect(deployed("t/a:"), ["t/a:1.0.0"], "by prefix")
            expect(deployed("t/%"), [], "a prefix is no pattern")

    # -- events ------------------------------------------------------------------------------------

    def test_events_are_numbered_in_the_order_of_commits(self) -> None:
        """And read from a number on, all or by type."""
        with self.opened() as one, self.opened() as other:
            first = batch_of(events=[(1, event("a", "x")), (2, event("b", "y"))])
            one.commit(first)
            second = batch_of(events=[(0, event("c", "x"))])
            other.commit(second)
            numbers = [*first.numbers, *second.numbers]
            expect(numbers, sorted(set(numbers)), "numbers grow")
            read = [(event.number, event.event["id"]) for event in one.events(0)]
            expect(read, list(zip(numbers, "abc", strict=True)), "all of them in order")
            expect([e.event["id"] for e in one.events(numbers[0])], ["b", "c"], "later ones")
            expect([e.event["id"] for e in one.events(0, types=("x",))], ["a", "c"], "of a type")
            expect(len(one.events(0, types=("x", "y"))), 3, "of several types")
            expect(len(one.events(0, limit=2)), 2, "at most so many")
            expect(one.events(0, types=("z",)), [], "there may be none")
            expect(one.last_event(), numbers[-1], "the newest one's number")

    def test_an_event_published_again_is_the_same_event(self) -> None:
        """CloudEvents: its source and id together identify it."""
        with self.opened() as store:
            expect(store.last_event(), 0, "there is none")
            first = batch_of(events=[(1, event("a", data=1))])
            store.commit(first)
            again = batch_of(events=[(2, event("a", data=2)), (2, event("a", source="/other"))])
            store.commit(again)
            expect(again.numbers[0], first.numbers[0], "it has the number it had")
            expect([one.event.get("data") for one in store.events(0)], [1, None], "and its content")
            twice = batch_of(
                events=[(3, event("c")), (3, event("a")), (3, event("b")), (4, event("c", data=3))]
            )
            store.commit(twice)
            new, known, later, repeated = twice.numbers
            expect([known, repeated], [first.numbers[0], new], "in one batch, too")
            told = [(one.number, one.event["id"]) for one in store.events(again.numbers[1])]
            expect(told, [(new, "c"), (later, "b")], "the others are there once, in their order")

    def test_subscriptions_are_found_by_type_and_correlation(self) -> None:
        """No type means any; no source means uncorrelated."""
        with self.opened() as store:
            wanted = [
                Subscription(run="r1", token="", key="k1", type="x"),
                Subscription(run="r2", token="", key="k1", type="x", source=".id", value="1"),
                Subscription(run="r3", token="", key="k1", type="x", source=".id", value="2"),
                Subscription(run="r4", token="", key="k1", type="", source="", value=""),
                Subscription(run="r4", token="", key="k2", type="y", source=".no", value='"a"'),
            ]
            store.commit(batch_of(subscriptions=wanted))
            expect(sorted(store.sources("x")), ["", ".id"], "the sources of a type")
            expect(sorted(store.sources("z")), [""], "any type is every type")
            expect(sorted(store.subscribers("x", "", "")), ["r1", "r4"], "uncorrelated ones")
            expect(store.subscribers("x", ".id", "2"), ["r3"], "correlated ones")
            expect(store.subscribers("y", ".id", "2"), [], "of that type only")
            expect(store.subscriptions("r4"), wanted[3:], "all of a run")
            store.commit(batch_of(unsubscriptions=[("r4", "k1"), ("r2", "")]))
            expect(store.subscriptions("r4"), wanted[4:], "one listen ends")
            expect(store.subscriptions("r2"), [], "all of a run end")

    def test_a_batch_ends_listens_before_it_begins_others(self) -> None:
        """A loop listens again under the key it had."""
        with self.opened() as store:
            again = Subscription(run="r1", token="", key="k", type="x")
            store.commit(batch_of(subscriptions=[again]))
            store.commit(batch_of(unsubscriptions=[("r1", "k")], subscriptions=[again]))
            expect(store.subscriptions("r1"), [again], "the new one stays")

    def test_a_place_in_the_events_never_goes_back_by_itself(self) -> None:
        """What was dealt with stays dealt with."""
        with self.opened() as store:
            expect(store.cursor(OWNER), None, "there is none at first")
            store.commit(batch_of(cursor=(OWNER, 5)))
            store.commit(batch_of(cursor=(OWNER, 3)))
            expect(store.cursor(OWNER), 5, "it does not go back")
            expect(store.cursor(OTHER), None, "each owner has its own")

    # -- between processes -------------------------------------------------------------------------

    def test_runs_are_adopted_with_the_place_in_the_events(self) -> None:
        """In one transaction, so that a crash in between loses no event."""
        with self.opened() as store:
            self._started(store, "r2", "r1", first_event=2)
            self._started(store, "r3", workflow="t/w:1.0.0#on", first_event=4)
            self._started(store, "r4", owner=OTHER)
            self._started(store, "r5", ended_at=5, status="completed")
            store.commit(batch_of(cursor=(OWNER, 7)))
            store.commit(batch_of(cursor=(OTHER, 9)))
            adopted = store.adopt(OTHER, OWNER)
            expect([one.id for one in adopted], ["r1", "r2"], "oldest first, none hidden")
            expect({one.owner for one in adopted}, {OTHER}, "they have their new owner")
            expect(store.cursor(OTHER), 7, "the place goes back to where the other was")
            expect(store.run("r5"), run_row("r5", ended_at=5, status="completed"), "ends stay")
            expect(store.adopt(OTHER, OWNER), [], "a second time there is nothing")
            expect([one.id for one in store.adopt(OTHER, OWNER, hidden=True)], ["r3"], "if asked")
            expect(store.owners(), [OTHER], "nobody else has runs")

    def test_whoever_never_had_a_place_had_the_one_of_its_first_run(self) -> None:
        """Nothing before that concerns its runs; everything after may."""
        with self.opened() as store:
            self._started(store, "r1", first_event=6)
            self._started(store, "r2", first_event=3)
            store.adopt(OTHER, OWNER)
            expect(store.cursor(OTHER), 3, "the earliest of its runs' places")

    def test_requests_reach_the_owner_of_the_run(self) -> None:
        """Oldest first, until they are done; with the run they change hands."""
        with self.opened() as store, self.opened() as other:
            self._started(store, "r2")
            store.commit(batch_of(runs=[run_row("r1")], asks=[("r1", b"0")]))
            first = store.requests(OWNER)
            expect([(one.run, one.body) for one in first], [("r1", b"0")], "in a batch as well")
            store.commit(batch_of(done_requests=[first[0].id]))
            other.ask("r1", b"1")
            other.ask("r2", b"2")
            other.ask("r9", b"3")
            found = store.requests(OWNER)
            expect([(one.run, one.body) for one in found], [("r1", b"1"), ("r2", b"2")], "in order")
            store.commit(batch_of(done_requests=[found[0].id]))
            expect([one.id for one in store.requests(OWNER)], [found[1].id], "until done")
            store.adopt(OTHER, OWNER)
            expect(store.requests(OWNER), [], "not the former owner")
            expect([one.run for one in store.requests(OTHER)], ["r2"], "the new owner")

    def test_schedules_only_move_on(self) -> None:
        """Whoever serves them, a fire is written once."""
        with self.opened() as store:
            first = ScheduleRow(identity="t/w:1.0.0", kind="on", number=2, at=1, heard=(4, 5))
            store.commit(batch_of(schedules=[first]))
            late = ScheduleRow(identity="t/w:1.0.0", kind="on", number=2, at=9, run="late")
            store.commit(batch_of(schedules=[late]))
            expect(store.schedules("t/w:1.0.0"), [first], "the same number changes nothing")
            later = ScheduleRow(identity="t/w:1.0.0", kind="on", number=3, at=9, run="later")
            store.commit(batch_of(schedules=[later]))
            expect(store.schedules("t/w:1.0.0"), [later], "a greater one replaces it")
            expect(store.schedules("t/x:1.0.0"), [], "of that workflow only")

    def test_what_is_under_way_of_a_workflow_is_found_hidden_or_not(self) -> None:
        """Schedules ask for it."""
        with self.opened() as store:
            self._started(store, "r2", "r1")
            self._started(store, "r3", workflow="t/w:1.0.0#on")
            self._started(store, "r4", ended_at=4)
            expect([one.id for one in store.under_way("t/w:1.0.0")], ["r1", "r2"], "oldest first")
            expect([one.id for one in store.under_way("t/w:1.0.0#on")], ["r3"], "hidden ones too")

    # -- forgetting --------------------------------------------------------------------------------

    def test_old_ended_runs_are_forgotten_whole(self) -> None:
        """Nothing of them is left; the others stay."""
        with self.opened() as store:
            self._started(store, "r1", ended_at=10, status="completed")
            self._started(store, "r2", ended_at=20, status="completed")
            self._started(store, "r3")
            store.commit(batch_of(snapshots=[("r1", 1, b"s")]))
            store.ask("r1", b"1")
            expect(store.purge(20), 1, "those that ended before")
            expect(store.run("r1"), None, "its row is gone")
            expect(list(store.journal("r1")), [], "its journal is gone")
            expect(store.snapshot("r1"), None, "its snapshot is gone")
            expect(bool(store.run("r2") and store.run("r3")), True, "the others stay")
            expect(store.purge(20), 0, "a second time there is nothing")

    def test_forgetting_goes_in_small_steps(self) -> None:
        """So that it holds nobody up; the oldest first."""
        with self.opened() as store:
            for number in range(5):
                self._started(store, f"r{number}", ended_at=number, status="completed")
            expect(store.purge(100, limit=2), 2, "at most so many")
            expect([one.id for one in store.runs().rows], ["r4", "r3", "r2"], "the oldest went")

    def test_what_a_schedule_goes_by_is_kept(self) -> None:
        """It tells when the next fire is."""
        with self.opened() as store:
            self._started(store, "r1", ended_at=1, status="completed")
            last = ScheduleRow(identity="t/w:1.0.0", kind="after", number=1, at=1, run="r1")
            store.commit(batch_of(schedules=[last]))
            expect(store.purge(100), 0, "the latest run of a schedule stays")

    def test_an_event_stays_while_somebody_may_want_it(self) -> None:
        """A conductor that has not dealt with it, or a run that may come to listen to it."""
        with self.opened() as store:
            events = batch_of(events=[(at, event(f"e{at}")) for at in range(1, 6)])
            store.commit(events)
            numbers = events.numbers
            self._started(store, "r1", first_event=numbers[1])
            store.commit(batch_of(cursor=(OWNER, numbers[3])))
            store.purge(100)
            expect([one.number for one in store.events(0)], numbers[2:], "a run may want it")
            store.commit(batch_of(changes={"r1": Change(status="completed", ended_at=200)}))
            self._started(store, "r2", first_event=numbers[4])
            store.purge(100)
            expect([one.number for one in store.events(0)], numbers[4:], "an owner may want it")
            store.commit(batch_of(changes={"r2": Change(status="completed", ended_at=200)}))
            store.purge(5)
            expect([one.number for one in store.events(0)], numbers[4:], "it is not old yet")
            store.purge(6)
            expect(store.events(0), [], "nobody wants it")
            more = batch_of(events=[(9, event("e9"))])
            store.commit(more)
            expect(more.numbers[0] > numbers[-1], True, "numbers are never given again")
