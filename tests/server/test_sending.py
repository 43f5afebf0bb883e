"""What is written to a connection goes out in few pieces, in its order, and whole."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from batuta.server.sending import MOST, Gathered, Gathering


class Wire(asyncio.Transport):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.1", 7)})
        self.sent = []
        self.is_open = self.hears = True

    def write(self, data):
        assert self.is_open
        self.sent.append(bytes(data))

    def close(self):
        self.is_open = False

    def is_closing(self):
        return not self.is_open

    def pause_reading(self):
        self.hears = False

    def resume_reading(self):
        self.hears = True


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
async def gathered(wire):
    return Gathered(wire, asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_goes_out_in_one_piece(gathered, wire):
    gathered.write(b"head ")
    gathered.write(bytearray(b"body"))
    assert wire.sent == []
    await asyncio.sleep(0)
    gathered.write(b"next")
    await asyncio.sleep(0)

    assert wire.sent == [b"head body", b"next"]


async def test_much_is_not_kept_back_and_stays_in_its_order(gathered, wire):
    gathered.write(b"a")
    gathered.write(b"b" * MOST)
    assert wire.sent == [b"a" + b"b" * MOST]
    gathered.write(b"c")
    await asyncio.sleep(0)

    assert wire.sent[1:] == [b"c"]


async def test_closing_sends_first_what_was_written(gathered, wire):
    gathered.write(b"last")
    gathered.close()
    await asyncio.sleep(0)

    assert wire.sent == [b"last"]
    assert gathered.is_closing()


async def test_it_is_otherwise_the_transport_that_it_is_over(gathered, wire):
    gathered.pause_reading()
    assert not wire.hears
    gathered.resume_reading()
    assert wire.hears
    assert gathered.get_extra_info("peername") == ("192.0.2.1", 7)
    assert not gathered.is_closing()


async def test_who_ends_its_half_of_the_line_gets_what_was_written(wire):
    config = uvicorn.Config(lambda: None, factory=True, ws="none", log_config=None)
    protocol = Gathering(config, ServerState(), {})
    protocol.connection_made(wire)
    protocol.transport.write(b"answer")
    protocol.eof_received()

    assert wire.sent == [b"answer"]
