"""The oracle passes the suite that real stores pass."""

import pytest

from batuta.testing.mail_suite import MailSuite
from batuta.testing.memory_store import Memory, MemoryStore
from batuta.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite, MailSuite):
    @pytest.fixture(autouse=True)
    def place(self):
        self.memory = Memory()

    def open(self):
        return MemoryStore(self.memory)
