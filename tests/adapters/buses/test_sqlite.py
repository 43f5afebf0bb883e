"""The embedded bus passes the suites of the port."""

import pytest

from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.testing.bus_processes import ProcessSuite
from batuta.testing.bus_suite import BusSuite


class TestSqliteBus(BusSuite):
    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.path = tmp_path / "bus.db"

    def make(self):
        return SqliteBus(self.path, SystemClock())


@pytest.mark.slow
class TestSqliteBusAndProcesses(ProcessSuite):
    ack_wait_ms = 20_000
    """Longer than a test waits: that a process has ended is noticed, not timed out."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path):
        self.url = f"sqlite:///{tmp_path}/bus.db"
