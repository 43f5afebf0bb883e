"""SQLite passes the suite of the port."""

import pytest

from batuta.adapters.stores.sqlite import SqliteStore
from batuta.ports.views import Sighting
from batuta.testing.mail_suite import MailSuite
from batuta.testing.promises_suite import PromisesSuite
from batuta.testing.records_suite import RecordsSuite
from batuta.testing.store_suite import StoreSuite


class TestSqliteStore(StoreSuite, MailSuite, RecordsSuite, PromisesSuite):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.path = tmp_path / "runs.db"

    def open(self):
        return SqliteStore(self.path)

    def records(self, store):
        return store

    def promises(self, store):
        return store


def test_folders_that_are_made_on_the_way_are_their_owners_only(tmp_path):
    path = tmp_path / "one" / "two" / "runs.db"
    SqliteStore(path).close()

    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_told_of_a_run_after_its_end_was_seen_is_filled_in(tmp_path):
    store = SqliteStore(tmp_path / "runs.db")
    known = {"run": "r", "workflow": "t/w:1.0.0", "started_at": 1}
    end = Sighting(**known, status="completed", ended_at=2, output=b"3")
    store.see([end], [], "bus", 1)
    store.see([Sighting(**known, setup="{}", origin="before", status="running")], [], "", 0)
    row = store.run("r")
    store.close()

    assert (row.setup, row.origin) == ("{}", "before")
    assert (row.status, row.ended_at) == ("completed", 2)
