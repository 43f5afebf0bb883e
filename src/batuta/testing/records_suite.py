"""The contract of `batuta.ports.records.Records`, as tests that every store has to pass."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from batuta.errors import ConflictError
from batuta.ports.records import ApiKey, AuditRow, Job, Records, Remembered
from batuta.testing.store_material import batch_of, expect, row, run_row

if TYPE_CHECKING:
    from collections.abc import Generator

    from batuta.ports.store import Store


def audit(at: int, **changes: Any) -> AuditRow:
    """Return an audit row with everything filled in that a test does not care about."""
    given: dict[str, Any] = {"who": "ada", "by": "token", "action": "cancel", "target": "r1"}
    return AuditRow(at=at, **{**given, **changes})


def remembered(key: str, **changes: Any) -> Remembered:
    """Return a request that is to be remembered."""
    given: dict[str, Any] = {"scope": "ada", "digest": "d", "run": "r1", "at": 1}
    return Remembered(key=key, **{**given, **changes})


def api_key(key_id: str, **changes: Any) -> ApiKey:
    """Return a key."""
    given: dict[str, Any] = {"name": "ci", "role": "deployer", "namespaces": ("a", "b*")}
    given |= {"digest": "$argon2id$x", "created_at": 1}
    return ApiKey(id=key_id, **{**given, **changes})


class RecordsSuite:
    """Inherit from this beside `StoreSuite`, and say how to open a store and its records."""

    def open(self) -> Store:
        """Open the store under test; each time on the same place."""
        raise NotImplementedError

    def records(self, store: Store) -> Records:
        """Return the records of an open store."""
        raise NotImplementedError

    @contextmanager
    def _both(self) -> Generator[tuple[Store, Records]]:
        store = self.open()
        try:
            yield store, self.records(store)
        finally:
            store.close()

    def test_audit_rows_are_kept_in_order_and_found_by_who_and_what(self) -> None:
        """Newest first, page by page."""
        with self._both() as (store, _):
            rows = [audit(1, detail={"a": [1]}), audit(2, who="bob"), audit(2, target="r2")]
            store.commit(batch_of(audits=rows))
            store.commit(batch_of(audits=[audit(3)]))
        with self._both() as (_, records):
            found = records.audits()
            expect([one.at for one in found], [3, 2, 2, 1], "newest first")
            expect(found[-1].detail, {"a": [1]}, "with its detail")
            first = [one.number for one in records.audits(limit=2)]
            rest = [one.number for one in records.audits(before=first[-1])]
            expect([*first, *rest], [one.number for one in found], "page by page")
            expect([one.at for one in records.audits(who="bob")], [2], "of somebody")
            expect([one.at for one in records.audits(target="r1", who="ada")], [3, 1], "and about")

    def test_audit_rows_are_forgotten_with_age(self) -> None:
        """The oldest first, as many as are asked for; numbers are not given again."""
        with self._both() as (store, records):
            store.commit(batch_of(audits=[audit(3), audit(1), audit(2), audit(9)]))
            store.purge(99)
            expect(len(records.audits()), 4, "they outlast the runs")
            newest = records.audits()[0].number
            expect(records.purge_audits(9, 2), 2, "two of three")
            expect([one.at for one in records.audits()], [9, 3], "the oldest are gone")
            expect(records.purge_audits(9, 2), 1, "the last old one")
            expect(records.purge_audits(9, 2), 0, "and none is left")
            store.commit(batch_of(audits=[audit(10)]))
            expect(records.audits()[0].number > newest, True, "numbers go on")

    def test_a_request_is_remembered_with_the_run_that_it_starts(self) -> None:
        """By scope and key."""
        with self._both() as (store, _):
            store.commit(
                batch_of(runs=[run_row("r1")], journal=[row("r1", 1)], remembered=[remembered("k")])
            )
        with self._both() as (_, records):
            expect(records.remembered("ada", "k"), remembered("k"), "as it was")
            expect(records.remembered("bob", "k"), None, "somebody else's key is another")
            expect(records.remembered("ada", "x"), None, "an unknown one is none")

    def test_a_request_starts_one_run(self) -> None:
        """The second is refused by the name of its run, and nothing of its batch is written."""
        with self._both() as (one, _), self._both() as (other, records):
            one.commit(batch_of(remembered=[remembered("k")]))
            batch = batch_of(
                runs=[run_row("r2")], journal=[row("r2", 1)], remembered=[remembered("k", run="r2")]
            )
            try:
                other.commit(batch)
            except ConflictError as error:
                expect(error.message, "r2", "the run that is refused is named")
            else:
                raise AssertionError("the second is refused")
            expect(other.run("r2"), None, "nothing of it is there")
            known = records.remembered("ada", "k")
            expect(known and known.run, "r1", "the first stays")
            other.commit(batch_of(remembered=[remembered("k", run="", digest="e")]))
            expect(records.remembered("ada", "k"), known, "what starts none changes nothing")

    def test_remembered_requests_are_forgotten_with_age(self) -> None:
        """When the store is purged."""
        with self._both() as (store, records):
            store.commit(batch_of(remembered=[remembered("a"), remembered("b", run="", at=9)]))
            store.purge(5)
            expect(records.remembered("ada", "a"), None, "the old one is gone")
            expect(records.remembered("ada", "b") is None, False, "the new one is not")

    def test_keys_are_kept_and_revoked(self) -> None:
        """Once and for all."""
        with self._both() as (_, records):
            records.keep_key(api_key("b", created_at=1))
            records.keep_key(api_key("a", created_at=2, expires_at=7, grants=("reveal",)))
            try:
                records.keep_key(api_key("a"))
            except ConflictError:
                pass
            else:
                raise AssertionError("an id is given once")
        with self._both() as (_, records):
            made = [one.id for one in records.all_keys()]
            expect(made, ["b", "a"], "in the order of their making")
            kept = api_key("a", created_at=2, expires_at=7, grants=("reveal",))
            expect(records.key("a"), kept, "as it was")
            expect(records.key("x"), None, "an unknown one is none")
            expect(records.revoke_key("a", 5), True, "there is one")
            expect(records.revoke_key("a", 6), True, "again")
            expect(records.revoke_key("x", 5), False, "there is none")
            revoked = records.key("a")
            expect(revoked and revoked.revoked_at, 5, "since it was revoked first")

    def test_a_job_is_noted_by_its_owner_until_it_has_ended(self) -> None:
        """Who takes it up has to know whose it was; what has ended stays as it is."""
        job = Job(id="j1", owner="a", state="running", at=1, view=b"{}", runs=b"[1]")
        with self._both() as (_, records):
            records.keep_job(job)
            expect(records.open_jobs(), [job], "a job that is running is found")
            taken = msgspec.structs.replace(job, owner="b", view=b"[2]")
            expect(records.note_job(taken, was="c"), wanted=False, promise="nobody else notes")
            expect(records.note_job(taken, was="a"), wanted=True, promise="one takes it up")
            ended = msgspec.structs.replace(taken, state="done", runs=b"")
            expect(records.note_job(ended, was="b"), wanted=True, promise="its owner notes")
            expect(records.note_job(taken, was="b"), wanted=False, promise="it stays ended")
            kept = msgspec.structs.replace(ended, runs=b"[1]")
            expect(records.job("j1"), kept, "its runs stay what they were")
            expect(records.open_jobs(), [], "what has ended is not running")
            expect(records.job("j2"), None, "there is none such")

    def test_jobs_that_ended_long_ago_are_forgotten(self) -> None:
        """With the runs that they were done to."""
        with self._both() as (store, records):
            for name, state, at in (("a", "running", 1), ("b", "done", 1), ("c", "done", 9)):
                records.keep_job(Job(id=name, owner="o", state=state, at=at, view=b"", runs=b""))
            store.purge(5)
            kept = [name for name in "abc" if records.job(name) is not None]
            expect(kept, ["a", "c"], "what runs is kept")
