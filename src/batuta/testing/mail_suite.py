"""The contract of `batuta.ports.mail.Mailbox`, as tests that every store of participants passes.

Inherit from it beside `store_suite.StoreSuite`, and say how to `open` a store that is both.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from batuta.errors import ConflictError
from batuta.ports.mail import AGAIN, DEAD, LATE, Mailbox, Outgoing, Parked, Served
from batuta.ports.store import Batch, Store
from batuta.testing.store_material import batch_of, event, expect, row, run_row

if TYPE_CHECKING:
    from collections.abc import Generator

ENDED: dict[str, Any] = {"status": "completed", "ended_at": 5}


class MailStore(Store, Mailbox, Protocol):
    """A store with a mailbox in it."""


def outgoing(number: int, run: str = "r1") -> Outgoing:
    """Return a message for the outbox."""
    return Outgoing(number, f"m{number}", "t.done", b"{}", run)


def parked(why: str = DEAD, **changes: Any) -> Parked:
    """Return a message that was put aside."""
    given: dict[str, Any] = {"at": 1, "why": why, "reason": "no JSON"}
    given.update(id="m1", type="t", body=b"\xff")
    return Parked(**{**given, **changes})


class MailSuite:
    """Inherit from this, and say how to `open` a store."""

    def open(self) -> MailStore:
        """Open the store under test; each time on the same place."""
        raise NotImplementedError

    @contextmanager
    def _opened(self) -> Generator[MailStore]:
        store = self.open()
        try:
            yield store
        finally:
            store.close()

    def test_a_mailbox_tells_how_much_lies_in_it_and_why(self) -> None:
        """The most frequent reason first."""
        with self._opened() as store:
            letters = [parked(), parked(at=3), parked(reason="late", why=LATE), parked(reason="x")]
            store.commit(batch_of(parked=letters, outbox=[outgoing(1)]))
            expect(store.tally(), (1, 3, 1, 0), "outbox, dead, late, again")
            newest = store.parked()[1].number
            other = store.parked()[2].number
            reasons = [("no JSON", 2, 3, newest), ("x", 1, 1, other)]
            expect([tuple(one) for one in store.reasons()], reasons, "with the newest of each")
            expect([one.messages for one in store.reasons(LATE)], [1], "of those that are late")
            store.commit(batch_of(redriven=[newest]))
            expect(store.tally(), (1, 2, 1, 1), "it is to be taken again")

    def test_a_message_that_was_taken_is_known_for_as_long_as_its_run(self) -> None:
        """By run and id; taken twice is taken once."""
        with self._opened() as store:
            store.commit(batch_of(inbox=[("r1", "m1")]))
            store.commit(batch_of(inbox=[("r1", "m1"), ("r1", "m2")]))
        with self._opened() as store:
            expect(store.has_taken("r1", "m1"), True, "it lasts")
            expect(store.has_taken("r1", "m2"), True, "beside one that was there")
            expect(store.has_taken("r2", "m1"), False, "another run's is not it")
            expect(store.last_taken("r1", "m"), "m2", "the greatest of the run's")
            expect(store.last_taken("r1", "m1"), "m1", "and of those that begin so")
            expect(store.last_taken("r2", "m"), None, "another run has none")

    def test_the_outbox_gives_what_the_bus_does_not_have_yet(self) -> None:
        """In the order of the numbers, whatever was written first."""
        with self._opened() as store:
            store.commit(batch_of(outbox=[outgoing(3), outgoing(1), outgoing(2)]))
        with self._opened() as store:
            expect([one.number for one in store.outbox()], [1, 2, 3], "by number")
            expect(store.outbox()[0], outgoing(1), "as they were given")
            expect([one.number for one in store.outbox(1, limit=1)], [2], "from a place on")
            store.commit(batch_of(sent=[1, 3, 9]))
            expect([one.number for one in store.outbox()], [2], "what was sent is gone")

    def test_what_is_heard_keeps_its_number_and_is_heard_once(self) -> None:
        """The number is the bus's; numbers come in any order."""
        with self._opened() as store:
            store.commit(batch_of(heard=[(7, 1, event("e7"))]))
            store.commit(batch_of(heard=[(3, 2, event("e3")), (7, 9, event("e7"))]))
            store.commit(batch_of(heard=[(8, 9, event("e7"))]))
        with self._opened() as store:
            found = [(one.number, one.at, one.event["id"]) for one in store.events(0)]
            expect(found, [(3, 2, "e3"), (7, 1, "e7")], "the first that came stays")
            expect(store.last_event(), 7, "the newest is the highest")

    def test_what_was_put_aside_can_be_looked_at_and_taken_back(self) -> None:
        """The dead and the late apart, by number."""
        with self._opened() as store:
            store.commit(batch_of(parked=[parked(), parked(LATE, run="r1"), parked(id="m2")]))
        with self._opened() as store:
            dead = store.parked()
            expect([one.id for one in dead], ["m1", "m2"], "the dead, in order")
            expect(dead[0], parked(number=dead[0].number), "as they were put aside")
            expect([one.run for one in store.parked(LATE)], ["r1"], "the late")
            expect(store.parked(after=dead[0].number), dead[1:], "from a place on")
            expect(store.parked(limit=1), dead[:1], "at most so many")
            expect(store.parked_one(dead[1].number), dead[1], "one of them")
            store.commit(batch_of(unparked=[dead[0].number]))
            expect(store.parked_one(dead[0].number), None, "taken back")
            store.commit(batch_of(parked=[parked(id="m3")]))
            expect(store.parked()[-1].number > dead[1].number, True, "new numbers")

    def test_what_is_to_be_taken_again_is_found_until_it_is_taken(self) -> None:
        """It is neither dead nor late meanwhile; if it is put aside again, it is dead again."""
        with self._opened() as store:
            store.commit(batch_of(parked=[parked(place=7), parked(id="m2", place=8)]))
            first, second = store.parked()
            store.commit(batch_of(redriven=[first.number, 99]))
        with self._opened() as store:
            expect([one.id for one in store.parked()], ["m2"], "the other is still dead")
            expect([one.number for one in store.parked(AGAIN)], [first.number], "to be taken")
            again = parked(place=7, reason="no JSON still")
            store.commit(batch_of(unparked=[first.number], parked=[again]))
            expect(store.parked(AGAIN), [], "not twice")
            expect([one.place for one in store.parked()], [second.place, 7], "with a new number")

    def test_what_comes_again_while_it_is_put_aside_is_put_aside_once(self) -> None:
        """By its place in the bus; what never got there has none."""
        with self._opened() as store:
            store.commit(batch_of(parked=[parked(place=7), parked(), parked()]))
            store.commit(batch_of(parked=[parked(place=7, reason="another"), parked(place=8)]))
        with self._opened() as store:
            found = [(one.place, one.reason) for one in store.parked()]
            expect(found, [(7, "no JSON"), (0, "no JSON"), (0, "no JSON"), (8, "no JSON")], "once")

    def test_a_choreographed_run_that_was_forgotten_is_known(self) -> None:
        """Its messages are forgotten with it; of others nobody asks."""
        with self._opened() as store:
            rows = [
                run_row("r1", control="choreographed", **ENDED),
                run_row("r2", **ENDED),
                run_row("r3", control="choreographed"),
            ]
            late = [parked(LATE, at=5), parked(LATE, at=15), parked(at=5)]
            store.commit(batch_of(runs=rows, inbox=[("r1", "m1"), ("r3", "m1")], parked=late))
            expect(store.known(["r1", "r2", "r0"]), {"r1", "r2"}, "all but one are here")
            expect(store.purge(10), 2, "two have ended")
        with self._opened() as store:
            expect(store.known(["r1", "r2", "r3", "r0"]), {"r1", "r3"}, "one is past")
            expect(store.known([]), set[str](), "none")
            expect(store.has_taken("r1", "m1"), False, "forgotten")
            expect(store.has_taken("r3", "m1"), True, "it goes on")
            expect([one.at for one in store.parked(LATE)], [15], "old news are forgotten")
            expect(len(store.parked()), 1, "the dead stay until somebody sees to them")

    def test_mail_is_written_with_the_rest_of_its_batch_or_not_at_all(self) -> None:
        """Inbox, state and outbox are one transaction."""
        with self._opened() as store:
            store.commit(batch_of(runs=[run_row("r1")], journal=[row("r1", 1)]))
            refused = batch_of(
                journal=[row("r1", 1)],
                inbox=[("r1", "m1")],
                outbox=[outgoing(1)],
                heard=[(1, 1, event("e1"))],
                parked=[parked()],
            )
            _refused(store, refused)
            found = (store.has_taken("r1", "m1"), store.outbox(), store.events(0), store.parked())
            expect(found, (False, [], [], []), "nothing of it")

    def test_a_request_is_kept_until_it_is_answered_and_known_for_ever(self) -> None:
        """What was answered is forgotten some day, that it was asked is not."""
        asked = Served(run="r1", key="/do/0/a", at=2, request=b"{}")
        answered = Served(run="r1", key="/do/0/a", at=3, answer=b"[]")
        other = Served(run="r1", key="/do/0/b", at=1, request=b"{}")
        with self._opened() as store:
            store.commit(batch_of(served=[asked, other]))
            expect(store.unanswered(), [other, asked], "the oldest first")
            store.commit(batch_of(served=[answered]))
        with self._opened() as store:
            expect(store.unanswered(), [other], "an answer ends the waiting")
            expect(store.served("r1", "/do/0/a"), answered, "and is kept")
            store.purge(4)
            forgotten = Served(run="r1", key="/do/0/a", at=3)
            expect(store.served("r1", "/do/0/a"), forgotten, "it is known that it was answered")
            expect(store.unanswered(), [other], "what is to be done is never forgotten")
            store.commit(batch_of(unserved=[("r1", "/do/0/b")]))
            expect(store.served("r1", "/do/0/b"), None, "unless it is taken back")
            expect(store.served("r2", "/do/0/a"), None, "nobody asked for another run")

    def test_a_store_has_a_name_of_its_own_for_ever(self) -> None:
        """Two of them that meet on a bus are told apart by it."""
        with self._opened() as store:
            name = store.name()
        with self._opened() as store:
            expect(store.name(), name, "the same after opening it again")
            expect(bool(name), True, "it has one")


def _refused(store: Store, batch: Batch) -> None:
    try:
        store.commit(batch)
    except ConflictError:
        return
    raise AssertionError("a journal row that is there already was written again")
