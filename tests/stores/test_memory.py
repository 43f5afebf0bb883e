"""The oracle passes the suite that real stores pass."""

import pytest

from batuta.testing.mail_suite import MailSuite
from batuta.testing.memory_store import Memory, MemoryStore
from batuta.testing.promises_suite import PromisesSuite
from batuta.testing.records_suite import RecordsSuite
from batuta.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite, MailSuite, RecordsSuite, PromisesSuite):
    @pytest.fixture(autouse=True)
    def place(self):
        self.memory = Memory()

    def open(self):
        return MemoryStore(self.memory)

    def records(self, store):
        return store._memory.records

    def promises(self, store):
        return store._memory.promises
