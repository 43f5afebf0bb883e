"""The bus in memory passes the suite that real buses pass, on virtual time."""

import pytest

from batuta.testing.bus_suite import BusSuite
from batuta.testing.clock import VirtualClock
from batuta.testing.memory_bus import MemoryBroker, MemoryBus


class TestMemoryBus(BusSuite):
    @pytest.fixture(autouse=True)
    def place(self):
        self.broker = MemoryBroker()
        self.clock = VirtualClock()

    def make(self):
        return MemoryBus(self.broker, self.clock)

    def now(self):
        return self.clock.now()

    async def until(self, condition, promise):
        for _ in range(10_000):
            if condition():
                return
            await self.clock.advance(1)
        raise AssertionError(promise)

    async def moment(self):
        await self.clock.advance(1)
