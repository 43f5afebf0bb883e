"""The contracts of `ports.sla.Promises` and `ports.alerts.Alerts`, as tests for every store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from batuta.ports.alerts import COOLED, SENT, Alert, Alerts
from batuta.ports.sla import BROKEN, KEPT, OPEN, THE_RUN, WARNED, Notes, Promise, Promises, Tally
from batuta.ports.sla import Told as ToldOf
from batuta.ports.store import Change
from batuta.testing.store_material import OTHER, OWNER, batch_of, expect, run_row

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.ports.store import Store


class Kept(Promises, Alerts, Protocol):
    """Both halves of what is looked at here."""


def promise(key: str, **changes: Any) -> Promise:
    """Return a promise with everything filled in that a test does not care about."""
    given: dict[str, Any] = {
        "run": "r1",
        "workflow": "t/w:1.0.0",
        "control": "orchestrated",
        "reference": key,
        "name": key.rpartition("/")[2],
        "participant": "cards",
        "acts": True,
        "since": 100,
        "warn_at": 150,
        "due_at": 200,
    }
    return Promise(key=key, **{**given, **changes})


def alert(id_: str, **changes: Any) -> Alert:
    """Return an alert that is to be sent."""
    given: dict[str, Any] = {"channel": "email", "group": "g", "run": "r1", "at": 1}
    given |= {"body": b"{}", "next_at": 5}
    return Alert(id=id_, **{**given, **changes})


def notes(**parts: Any) -> Notes:
    """Return notes with these parts."""
    made = Notes()
    for name, value in parts.items():
        setattr(made, name, value)
    return made


class PromisesSuite:
    """Inherit from this beside `StoreSuite`, and say how to open a store and its promises."""

    def open(self) -> Store:
        """Open the store under test; each time on the same place."""
        raise NotImplementedError

    def promises(self, store: Store) -> Kept:
        """Return the reading half of a store's promises and alerts."""
        raise NotImplementedError

    @contextmanager
    def _noted(self, **parts: Any) -> Generator[tuple[Store, Kept]]:
        store = self.open()
        try:
            runs = [run_row(run) for run in ("r1", "r2") if store.run(run) is None]
            store.commit(batch_of(runs=runs, notes=notes(**parts)))
            yield store, self.promises(store)
        finally:
            store.close()

    def test_a_promise_is_due_to_be_warned_of_then_broken_and_then_no_more(self) -> None:
        """Each once."""
        with self._noted(made=[promise("/a"), promise("/b", warn_at=None)]) as (store, kept):
            expect(kept.next_promise(OWNER), 150, "the first is the warning")
            expect(
                [one.key for one in kept.promises_due(OWNER, 199)], ["/a"], "what is due by then"
            )
            store.commit(batch_of(notes=notes(told=[ToldOf("r1", "/a", WARNED, 151)])))
            expect(kept.next_promise(OWNER), 200, "then they are broken")
            expect(sorted(one.key for one in kept.promises_due(OWNER, 200)), ["/a", "/b"], "both")
            expect(len(kept.promises_due(OWNER, 200, limit=1)), 1, "so many at most")
            broken = [ToldOf("r1", key, BROKEN, 203) for key in ("/a", "/b")]
            store.commit(batch_of(notes=notes(told=broken)))
            expect(kept.next_promise(OWNER), None, "and no more")
            again = [ToldOf("r1", "/a", BROKEN, 999), ToldOf("r1", "/a", WARNED, 999)]
            store.commit(batch_of(notes=notes(told=again)))
            wanted = promise("/a", warned_at=151, breached_at=203)
            expect(kept.promises_of("r1")[0], wanted, "what was told stays")

    def test_a_promise_is_made_once(self) -> None:
        """Whoever tells of it again changes nothing, not even after its end."""
        with self._noted(made=[promise("/a")]) as (store, kept):
            store.commit(batch_of(notes=notes(ended=[("r1", "/a", 120)])))
            store.commit(batch_of(notes=notes(made=[promise("/a", since=500)])))
            store.commit(batch_of(notes=notes(ended=[("r1", "/a", 900)])))
            expect(kept.promises_of("r1"), [promise("/a", ended_at=120)], "the first stays")
            expect(kept.next_promise(OWNER), None, "and nothing is due")
        with self._noted() as (store, kept):
            expect(len(kept.promises_of("r1")), 1, "promises last")

    def test_a_task_that_ended_too_late_is_still_to_be_told_of(self) -> None:
        """Also when nobody was there when it was due."""
        made = [promise("/a"), promise("/b"), promise("/c", run="r2")]
        with self._noted(made=made) as (store, kept):
            store.commit(batch_of(notes=notes(ended=[("r1", "/a", 201), ("r1", "/b", 200)])))
            expect(
                [one.key for one in kept.promises_due(OWNER, 200)],
                ["/c", "/a"],
                "late, and still under way",
            )
            store.commit(batch_of(notes=notes(ended=[("r2", THE_RUN, 199)])))
            expect(
                [one.key for one in kept.promises_due(OWNER, 200)],
                ["/a"],
                "the end of a run ends all of its",
            )

    def test_of_a_run_that_another_conductor_drives_that_one_tells(self) -> None:
        """Of one that nobody drives, or that has ended, anybody does."""
        made = [promise("/a"), promise("/b", run="r2"), promise("/c", run="r3")]
        with self._noted(made=made) as (store, kept):
            seen = run_row("r3", owner=None, control="choreographed")
            store.commit(batch_of(runs=[seen]))
            store.adopt(OTHER, OWNER)
            expect([one.key for one in kept.promises_due(OWNER, 200)], ["/c"], "nobody's")
            expect(kept.next_promise(OWNER), 150, "nobody's")
            expect(len(kept.promises_due(OTHER, 200)), 3, "its own, too")
            ended = {"r1": Change(status="completed", ended_at=300)}
            late = notes(ended=[("r1", THE_RUN, 300)])
            store.commit(batch_of(changes=ended, notes=late))
            due = sorted(one.key for one in kept.promises_due(OWNER, 300))
            expect(due, ["/a", "/c"], "and what has ended")

    def test_promises_are_counted_by_task(self) -> None:
        """Of those that began at a time or later."""
        made = [
            promise("/a", since=50),
            promise("/a", run="r2"),
            promise("/a[1]", reference="/a"),
            promise("/b"),
            promise(THE_RUN, reference="", name="", acts=False),
        ]
        told = [ToldOf("r2", "/a", WARNED, 1), ToldOf("r1", "/b", BROKEN, 2)]
        with self._noted(made=made, told=told, ended=[("r1", "/a[1]", 180)]) as (_, kept):
            wanted = [
                Tally("t/w:1.0.0", "", "", 1, 0, 0, 0),
                Tally("t/w:1.0.0", "/a", "a", 1, 1, 1, 0),
                Tally("t/w:1.0.0", "/b", "b", 0, 0, 0, 1),
            ]
            expect(kept.tallies(60), wanted, "open, met, warned and breached")
            expect(kept.tallies(60)[1].open + 1, kept.tallies(0)[1].open, "and older ones")
            expect(kept.tallies(101), [], "none")
            expect(
                kept.promise_states(["r1", "r2", "r3"]), {"r1": BROKEN, "r2": WARNED}, "the worst"
            )
            states = {one.key: one.state for one in kept.promises_of("r1")}
            expect(states["/a[1]"], KEPT, "one that was kept")
            expect(states["/a"], OPEN, "one whose time runs")
            expect([one.run for one in kept.open_promises(1)], ["r1"], "what is open")

    def test_promises_go_with_their_runs(self) -> None:
        """Purging leaves nothing behind; alerts go by age, once they are over."""
        made = [promise("/a"), promise("/a", run="r2")]
        alerts = [alert("1", next_at=None, outcome=SENT, ended_at=2), alert("2")]
        with self._noted(made=made, alerts=alerts) as (store, kept):
            store.commit(batch_of(changes={"r1": Change(status="completed", ended_at=3)}))
            store.purge(9)
            expect(
                (kept.promises_of("r1"), len(kept.promises_of("r2"))), ([], 1), "of the others, all"
            )
            expect(kept.last_alert("email", "g"), (None, 0), "old alerts are forgotten")
            expect([one.id for one in kept.alerts_due(9)], ["2"], "but for those to be sent")

    def test_an_alert_is_claimed_by_one_and_comes_again_if_nothing_comes_of_it(self) -> None:
        """Two processes never send it at once."""
        with self._noted(alerts=[alert("1"), alert("1", channel="hook", next_at=7)]) as (_, kept):
            expect(kept.next_alert(), 5, "when it is to be sent")
            (due,) = kept.alerts_due(6)
            expect(kept.claim_alert(due, 60), True, "it is free")
            expect(kept.claim_alert(due, 60), False, "and then no more")
            expect([one.channel for one in kept.alerts_due(59)], ["hook"], "nobody else gets it")
            (again,) = [one for one in kept.alerts_due(60) if one.channel == "email"]
            expect((again.attempts, again.outcome), (1, ""), "until it was too long")
            kept.put_off_alert(again, 100)
            expect(len(kept.alerts_due(99)), 1, "it is tried again later")
            kept.end_alert(again, SENT, 101)
            kept.end_alert(again, COOLED, 102)
            expect(len(kept.alerts_due(999)), 1, "it ends once")
            expect(kept.last_alert("email", "g"), (101, 0), "and is known as sent")

    def test_an_alert_is_written_once_per_channel(self) -> None:
        """Whoever notes it again changes nothing."""
        with self._noted(alerts=[alert("1")]) as (store, kept):
            kept.end_alert(alert("1"), SENT, 9)
            store.commit(batch_of(notes=notes(alerts=[alert("1", at=50)])))
            expect(kept.alerts_due(999), [], "it was sent")

    def test_alerts_that_were_left_out_are_counted(self) -> None:
        """Since the last one of their group that was sent."""
        left = [alert(str(number)) for number in range(4)]
        with self._noted(alerts=[*left, alert("9", group="other")]) as (_, kept):
            expect(kept.last_alert("email", "g"), (None, 0), "none yet")
            kept.end_alert(left[0], COOLED, 10)
            kept.end_alert(left[1], SENT, 20)
            kept.end_alert(left[2], COOLED, 30)
            kept.end_alert(left[3], COOLED, 31)
            expect(kept.last_alert("email", "g"), (20, 2), "two since")
            expect(kept.last_alert("email", "other"), (None, 0), "of a group")
