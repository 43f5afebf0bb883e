"""SQLite passes the suite of the port."""

import pytest

from batuta.adapters.stores.sqlite import SqliteStore
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
