"""NATS JetStream passes the suites of the port."""

import pytest

from batuta.testing.bus_processes import ProcessSuite
from batuta.testing.bus_suite import BusSuite
from batuta.wiring.buses import open_bus


class TestNatsBus(BusSuite):
    @pytest.fixture(autouse=True)
    def place(self, nats_server):
        self.url = nats_server.url()

    def make(self):
        return open_bus(self.url)


@pytest.mark.slow
class TestNatsBusAndProcesses(ProcessSuite):
    @pytest.fixture(autouse=True)
    def place(self, nats_server):
        self.url = nats_server.url()
