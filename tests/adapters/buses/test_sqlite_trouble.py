"""The embedded bus where something goes wrong, or two processes meet in one file."""

import asyncio
import errno
import os
import shutil
import sqlite3
import threading

import pytest

from batuta.adapters.buses.sqlite import SqliteBus, bells, driver, syncing
from batuta.adapters.buses.sqlite.file import BusFile
from batuta.adapters.buses.sqlite.tail import MOST_MESSAGES
from batuta.adapters.clock import SystemClock
from batuta.errors import CorruptError, RequestError, UnavailableError
from batuta.testing.bus_material import BusCase, messages
from batuta.testing.clock import VirtualClock


@pytest.fixture
def case():
    return BusCase()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "bus.db"


@pytest.fixture
async def opened(path):
    """Open the bus as often as processes would, and close them all."""
    buses = []

    async def again(clock=None):
        bus = SqliteBus(path, clock or SystemClock())
        await bus.start()
        buses.append(bus)
        return bus

    yield again
    for bus in buses:
        await bus.close()


@pytest.fixture
def impatient(monkeypatch):
    """Wait for others a moment only, and for a look around for ever."""
    monkeypatch.setattr("batuta.adapters.buses.sqlite.file.BUSY_MS", 40)
    monkeypatch.setattr(driver, "LOOK_S", 3_600)


@pytest.fixture
def gate(monkeypatch):
    """A disk that syncs when it is let."""
    let, waiting = threading.Event(), threading.Event()

    def sync(handle):
        waiting.set()
        assert let.wait(20)
        os.fsync(handle)

    monkeypatch.setattr(syncing, "to_disk", sync)
    yield let, waiting
    let.set()


# -- the disk --------------------------------------------------------------------------------------


async def test_a_message_is_delivered_before_its_sync_and_publish_returns_after_it(
    case, opened, gate
):
    let, waiting = gate
    bus = await opened()
    taker = await case.taking(bus)

    publishing = asyncio.ensure_future(bus.publish(messages("a")))
    await case.takes(taker, 1, "delivery does not wait for the disk")
    await case.until(waiting.is_set, "the disk is asked")
    assert not publishing.done()

    let.set()
    await publishing


async def test_publications_under_way_share_a_sync(opened, gate, monkeypatch):
    let, waiting = gate
    bus = await opened()
    first = asyncio.ensure_future(bus.publish(messages("a")))
    await BusCase().until(waiting.is_set, "the first is on its way to the disk")
    rest = [asyncio.ensure_future(bus.publish(messages(f"m{n}"))) for n in range(50)]
    syncs = []
    synced = syncing.to_disk
    monkeypatch.setattr(syncing, "to_disk", lambda handle: (syncs.append(1), synced(handle)))

    while len(await bus.history()) < 51:
        pass
    let.set()
    await asyncio.gather(first, *rest)

    assert len(syncs) == 1


async def test_after_a_failed_sync_only_a_whole_checkpoint_counts(opened, path, monkeypatch):
    bus = await opened()
    synced, copied = [], []

    def fail(handle):
        raise OSError(errno.EIO, "input/output error")

    checkpoint = syncing.Syncing._checkpoint
    with monkeypatch.context() as broken:
        broken.setattr(syncing, "to_disk", fail)
        with pytest.raises(UnavailableError, match="did not take what was written"):
            await bus.publish(messages("a"))
    monkeypatch.setattr(syncing, "to_disk", synced.append)
    monkeypatch.setattr(
        syncing.Syncing, "_checkpoint", lambda s, mode: (copied.append(mode), checkpoint(s, mode))
    )
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    await asyncio.gather(bus.publish(messages("b")), return_exceptions=True)
    with pytest.raises(UnavailableError, match="could not be copied"):
        await bus.publish(messages("a"))
    reader.close()

    await bus.publish(messages("a"))
    assert set(copied) == {"FULL"}
    assert not synced
    await bus.publish(messages("c"))
    assert len(synced) == 1
    assert [row.id for row in await bus.history()] == ["a", "b", "c"]


async def test_the_log_is_copied_into_the_file_before_it_grows_long(opened, path, monkeypatch):
    monkeypatch.setattr(driver, "LONG_LOG", 200_000)
    bus = await opened()
    for number in range(60):
        await bus.publish(messages(*(f"m{number}-{n}" for n in range(100))))

    log = path.with_name(path.name + "-wal")
    assert path.stat().st_size > 300_000
    assert log.stat().st_size < 1_500_000
    assert len(await bus.history(limit=10_000)) == 6_000


async def test_a_full_disk_is_said_and_work_goes_on_when_there_is_room(case, opened):
    bus = await opened()
    taker = await case.taking(bus)
    await bus.publish(messages("a"))
    await case.takes(taker, 1, "it works")
    file = bus._driver.turns.file.connection
    (pages,) = file.execute("PRAGMA page_count").fetchone()
    file.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(UnavailableError, match="no room left"):
        await bus.publish([*messages("b"), *messages(*(f"m{n}" for n in range(900)))])
    taker.acknowledge()
    file.execute("PRAGMA max_page_count = 1000000")

    await bus.publish(messages("b"))
    await case.takes(taker, 2, "it goes on")
    taker.acknowledge()
    await case.acknowledged(bus)
    assert taker.attempts == [("a", 1), ("b", 1)]


async def test_a_number_that_a_power_loss_took_back_is_not_given_again(path):
    clock = VirtualClock()
    before, bus = path.with_suffix(".before"), SqliteBus(path, clock)
    await bus.start()
    await bus.publish(messages("a"))
    await bus.close()
    shutil.copy(path, before)
    bus = SqliteBus(path, clock)
    await bus.start()
    await bus.publish(messages(*(f"lost{n}" for n in range(100))))
    lost = await bus.newest()
    await bus.close()
    shutil.copy(before, path)

    await clock.advance(seconds=5)
    bus = SqliteBus(path, clock)
    await bus.start()
    await bus.publish(messages("b"))

    assert await bus.newest() > lost
    assert [row.id for row in await bus.history()] == ["a", "b"]
    await bus.close()


async def test_numbers_grow_when_the_clock_goes_back(path):
    late, early = VirtualClock("2026-06-01T00:00:00Z"), VirtualClock("2026-01-01T00:00:00Z")
    numbers = []
    for clock in (late, early):
        bus = SqliteBus(path, clock)
        await bus.start()
        await bus.publish(messages(str(len(numbers)), "x"))
        numbers.append(await bus.newest())
        await bus.close()

    assert numbers[0] < numbers[1]


# -- files -----------------------------------------------------------------------------------------


async def test_a_file_that_is_no_database_is_said(opened, path):
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)

    with pytest.raises(CorruptError):
        await opened()


async def test_a_file_of_a_newer_version_is_refused(opened, path):
    file = sqlite3.connect(path)
    file.execute("PRAGMA user_version = 99")
    file.close()

    with pytest.raises(RequestError, match="newer version"):
        await opened()


async def test_a_damaged_file_is_said_and_not_used_any_more(opened, path):
    bus = await opened()
    await bus.publish(messages("a"))
    await bus.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)

    async def use():
        again = await opened()
        await again.publish(messages("b"))

    with pytest.raises(CorruptError):
        await use()


async def test_a_folder_that_cannot_hold_sockets_is_said(opened, path):
    path.with_name("bus.db.bells").write_text("in the way")
    bus = await opened()
    await bus.publish(messages("a"))

    with pytest.raises(UnavailableError, match="cannot hold a socket"):
        await bus.consume("c", None, print)


# -- other processes -------------------------------------------------------------------------------


async def test_a_file_locked_by_another_process_is_said_and_work_goes_on_after(
    case, opened, path, impatient
):
    bus = await opened()
    taker = await case.taking(bus)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(UnavailableError, match="locked by another process"):
        await bus.publish(messages("a"))
    publishing = asyncio.ensure_future(bus.publish(messages("b")))
    await case.moment()
    holder.close()
    await asyncio.wait([publishing])
    await bus.publish(messages("b"))

    await case.takes(taker, 1, "it goes on")
    assert taker.ids == ["b"]


async def test_a_bell_tells_others_at_once(case, opened, impatient):
    one, other = await opened(), await opened()
    taker = await case.taking(other)

    await one.publish(messages("a"))

    await case.takes(taker, 1, "nobody has to look around")


async def test_a_bell_with_a_long_path_rings_too(case, tmp_path, impatient):
    folder = tmp_path / ("long" * 30)
    buses = [SqliteBus(folder / "bus.db", SystemClock()) for _ in range(2)]
    for bus in buses:
        await bus.start()
    taker = await case.taking(buses[0])
    await buses[1].publish(messages("a"))

    await case.takes(taker, 1, "nobody has to look around")
    for bus in buses:
        await bus.close()


async def test_what_no_bell_told_is_found_by_looking_around(case, opened, path, monkeypatch):
    monkeypatch.setattr(driver, "LOOK_S", 0.05)
    one, other = await opened(), await opened()
    taker = await case.taking(other)
    shutil.rmtree(path.with_name("bus.db.bells"))

    await one.publish(messages("a"))

    await case.takes(taker, 1, "looking around finds it")


async def test_bells_of_the_dead_are_taken_down(case, opened, path, impatient):
    folder = path.with_name("bus.db.bells")
    bus = await opened()
    await case.taking(bus)
    dead = bells.Bells(path)
    dead.hang(print)
    (ours, theirs) = sorted(folder.iterdir(), key=lambda one: one.name == dead.name)
    asyncio.get_running_loop().remove_reader(dead._ours.fileno())
    dead._ours.close()
    dead._ringer.close()

    await bus.publish(messages("a"))

    assert theirs.name == dead.name
    assert list(folder.iterdir()) == [ours]
    await bus.close()
    assert list(folder.iterdir()) == []


async def test_a_consumer_that_lies_far_behind_catches_up_in_pages(case, opened):
    count = MOST_MESSAGES + 2_000
    one, other = await opened(), await opened()
    slow = await case.taking(one, "slow", window=10)
    for start in range(0, count, 1_000):
        names = [f"m{n:05}" for n in range(start, min(count, start + 1_000))]
        await other.publish(messages(*names))
    await other.publish(messages("other", kind="t.two"))
    late = await case.taking(one, "late", ["t.one"], acknowledges=True, window=300)
    rare = await case.taking(one, "rare", ["t.two"], acknowledges=True)
    slow.acknowledges = True
    slow.acknowledge()

    await case.takes(late, count, "all come")
    await case.takes(slow, count + 1, "all come")
    await case.takes(rare, 1, "the only one comes")
    assert late.ids == [f"m{n:05}" for n in range(count)]
    assert slow.ids == [*late.ids, "other"]
    assert rare.ids == ["other"]


async def test_what_is_published_while_a_consumer_catches_up_is_not_overlooked(
    case, opened, impatient
):
    await (await opened()).publish(messages("old"))
    bus = await opened()
    read, let = threading.Event(), threading.Event()
    reader = bus._driver._reader
    page = reader.page

    def slow_page(*which):
        found = page(*which)
        read.set()
        assert let.wait(20)
        return found

    reader.page = slow_page
    taker = await case.taking(bus)
    await case.until(read.is_set, "the old messages are read")
    await bus.publish(messages("new"))
    let.set()

    await case.takes(taker, 2, "nothing else wakes it")
    assert taker.ids == ["old", "new"]


async def test_two_processes_that_publish_at_once_share_one_order(case, opened):
    one, other = await opened(), await opened()
    taker = await case.taking(one, acknowledges=True)
    await asyncio.gather(
        *(
            bus.publish(messages(f"{name}{n}"))
            for n in range(100)
            for name, bus in (("a", one), ("b", other))
        )
    )
    await case.takes(taker, 200, "all come")

    assert [i for i in taker.ids if i[0] == "a"] == [f"a{n}" for n in range(100)]
    assert [i for i in taker.ids if i[0] == "b"] == [f"b{n}" for n in range(100)]
    numbers = [row.number for row in taker.rows]
    assert numbers == sorted(set(numbers))


async def test_a_consumer_dropped_by_another_process_is_given_nothing_more(case, opened):
    one, other = await opened(), await opened()
    taker = await case.taking(one)
    await other.publish(messages("a"))
    await case.takes(taker, 1, "it is given messages")
    await other.forget("c")
    again = await case.taking(other, acknowledges=True)
    await case.takes(again, 1, "the new one begins anew")

    taker.acknowledge()
    await one.publish(messages("b"))
    await case.takes(again, 2, "the new one goes on")
    assert taker.ids == ["a"]


# -- what consumes ---------------------------------------------------------------------------------


async def test_what_takes_messages_and_fails_harms_no_other(case, opened, caplog):
    bus = await opened()

    def fail(rows):
        raise ValueError("my mistake")

    await bus.consume("failing", None, fail)
    taker = await case.taking(bus, "other")
    await bus.publish(messages("a", "b"))

    await case.takes(taker, 2, "others are given messages")
    assert "my mistake" in caplog.text


async def test_replicas_in_one_process_share_too(case, opened):
    bus = await opened()
    takers = [await case.taking(bus, window=2) for _ in range(3)]
    await bus.publish(messages(*(f"m{n}" for n in range(6))))

    await case.until(lambda: all(len(t.rows) == 2 for t in takers), "each has its share")
    await takers[0].part.stop()
    takers[1].acknowledge()
    await case.until(lambda: len(takers[1].rows) == 4, "what one has left comes to the others")


async def test_a_publisher_that_gives_up_harms_no_other(case, opened, gate):
    let, waiting = gate
    bus = await opened()
    impatient, patient = (asyncio.ensure_future(bus.publish(messages(name))) for name in "ab")
    await case.until(waiting.is_set, "both wait for the disk")
    impatient.cancel()
    let.set()

    await patient
    assert [row.id for row in await bus.history()] == ["a", "b"]


def test_a_file_that_is_busy_is_left_to_the_thread(path):
    one, other = BusFile(path), BusFile(path)
    assert one.begin(patient=False)
    assert not other.begin(patient=False)
    one.roll_back()
    assert other.begin(patient=False)
    other.roll_back()
    one.close()
    other.close()
