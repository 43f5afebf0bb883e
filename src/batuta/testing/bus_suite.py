"""The contract of `batuta.ports.bus.Bus`, as tests that every bus has to pass.

A bus's own tests inherit the suite and say how to make one:

    class TestMyBus(BusSuite):
        @pytest.fixture(autouse=True)
        def place(self, tmp_path):
            self.path = tmp_path / "bus"

        def make(self) -> Bus:
            return MyBus(self.path)

`make` is called several times within one test: each time as another process would, on what the
buses before it have written. Buses that outlive processes pass `batuta.testing.bus_processes` too.
No test may be left out: they are about what must not get lost. Tests
are coroutines; pytest-asyncio in its `auto` mode runs them.
"""

from __future__ import annotations

import asyncio

from batuta.errors import NotFoundError, RequestError, UnavailableError
from batuta.ports.bus import LARGEST_BODY, LONGEST_NAME, Message
from batuta.testing.bus_claims import ClaimCase
from batuta.testing.bus_material import expect, message, messages

STRANGE = ("com.acme/é v1 *", "a..b.", ">", ".", "a_2Eb", "a.b", "%", "日本", "x" * 150)
"""Types that mean something to some broker; all of them are only text here."""


class BusSuite(ClaimCase):
    """Inherit from this, and say how to `make` a bus."""

    # -- durability --------------------------------------------------------------------------------

    async def test_what_was_published_is_there_when_opened_again(self) -> None:
        """The first promise."""
        strange = "b\r\nNats-Msg-Id: é%41 \x00"
        sent = [message("a"), Message(strange, "t.two", b"\x00no JSON\xff"), Message("c", "t", b"")]
        async with self.opened() as bus:
            await bus.publish(sent)
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await self.takes(taker, 3, "everything comes out")
            found = [Message(row.id, row.type, row.body) for row in taker.rows]
            expect(found, sent, "messages come out as they went in, whatever their bodies are")
            expect({row.attempt for row in taker.rows}, {1}, "these are first deliveries")

    async def test_what_was_acknowledged_never_comes_again(self) -> None:
        """Not even to the next process."""
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await bus.publish(messages("a", "b", "c"))
            await self.takes(taker, 3, "everything comes out")
            taker.acknowledge("a", "c")
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await bus.publish(messages("d"))
            await self.until(lambda: "d" in taker.ids, "the consumer goes on")
            await self.until(lambda: "b" in taker.ids, "what was not acknowledged comes again")
            expect(sorted(taker.attempts), [("b", 2), ("d", 1)], "and nothing else does")

    async def test_acknowledging_again_or_what_was_not_delivered_changes_nothing(self) -> None:
        """Repetition of acknowledgements."""
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await bus.publish(messages("a", "b"))
            await self.takes(taker, 2, "everything comes out")
            taker.acknowledge("a")
            taker.acknowledge("a")
            taker.part.acknowledge([taker.number("b") + 1_000, 0])
            taker.part.refuse(taker.number("b") + 1_000, 0)
            taker.part.acknowledge([])
            await bus.publish(messages("c"))
            await self.until(lambda: "c" in taker.ids, "the next message still comes")
            taker.acknowledge()
            await self.acknowledged(bus)
            expect(taker.ids, ["a", "b", "c"], "each came once")

    # -- order -------------------------------------------------------------------------------------

    async def test_messages_come_in_the_order_in_which_they_were_published(self) -> None:
        """By one process, however many calls are under way at once."""
        names = [f"m{number:03}" for number in range(300)]
        async with self.opened() as bus:
            taker = await self.taking(bus, acknowledges=True)
            await asyncio.gather(
                *(bus.publish(messages(*names[i : i + 3])) for i in range(0, 300, 3))
            )
            await self.takes(taker, 300, "everything comes out")
            expect(taker.ids, names, "in the order of the calls")
            numbers = [row.number for row in taker.rows]
            expect(numbers, sorted(set(numbers)), "numbers grow strictly")

    async def test_a_number_is_the_same_for_everybody(self) -> None:
        """There is one order."""
        async with self.opened() as one, self.opened() as other:
            first = await self.taking(one, "first")
            await one.publish(messages("a"))
            await other.publish(messages("b", kind="t.two"))
            await one.publish(messages("c"))
            second = await self.taking(other, "second")
            for taker in (first, second):
                await self.takes(taker, 3, "every consumer gets everything")
            expect(
                [(row.number, row.id) for row in first.rows],
                [(row.number, row.id) for row in second.rows],
                "consumers in different processes see the same order",
            )
            listed = await other.history()
            expect([r.number for r in listed], [r.number for r in first.rows], "so does history")
            expect(await one.newest(), first.rows[-1].number, "the newest is the last of them")

    async def test_numbers_are_never_given_again(self) -> None:
        """Not when everything before was dropped, either."""
        async with self.opened() as bus:
            expect(await bus.newest(), 0, "there has been no message")
            await bus.publish(messages("a", "b"))
            newest = await bus.newest()
            await bus.purge(self.now() + 60_000)
        async with self.opened() as bus:
            expect(await bus.newest(), newest, "the newest is known still")
            await bus.publish(messages("c"))
            expect(await bus.newest() > newest, True, "numbers go on from there")

    # -- consumers ---------------------------------------------------------------------------------

    async def test_a_new_consumer_begins_with_the_oldest_message(self) -> None:
        """However late it comes."""
        names = [f"m{number}" for number in range(50)]
        async with self.opened() as bus:
            await bus.publish(messages(*names))
            taker = await self.taking(bus, acknowledges=True)
            await self.takes(taker, 50, "the old messages come")
            await bus.publish(messages("new"))
            await self.takes(taker, 51, "and the new ones after them")
            expect(taker.ids, [*names, "new"], "in order")

    async def test_every_consumer_gets_every_message(self) -> None:
        """They do not take them from each other."""
        async with self.opened() as bus:
            takers = [await self.taking(bus, f"c{n}", acknowledges=True) for n in range(6)]
            await bus.publish(messages("a", "b"))
            for taker in takers:
                await self.takes(taker, 2, "everything comes out")
                expect(taker.ids, ["a", "b"], "once each")

    async def test_a_consumer_gets_its_types_only(self) -> None:
        """Types are only text, whatever they look like."""
        async with self.opened() as bus:
            all_of_them = await self.taking(bus, "all", acknowledges=True)
            some = await self.taking(bus, "some", STRANGE[::2], acknowledges=True)
            none = await self.taking(bus, "none", ["t.never"], acknowledges=True)
            await bus.publish([message(f"m{n}", kind) for n, kind in enumerate(STRANGE)])
            await bus.publish(messages("last", kind="t.never"))
            await self.until(lambda: len(all_of_them.rows) == len(STRANGE) + 1, "all come")
            await self.until(lambda: bool(none.rows), "what is asked for comes")
            await self.until(lambda: len(some.rows) == len(STRANGE[::2]), "so do these")
            expect([row.type for row in all_of_them.rows][:-1], list(STRANGE), "as they were")
            expect([row.type for row in some.rows], list(STRANGE[::2]), "only what is asked for")
            expect(none.ids, ["last"], "only what is asked for")

    async def test_a_consumer_may_have_any_name(self) -> None:
        """Names are only text too, and differ when their texts do."""
        async with self.opened() as bus:
            await bus.publish(messages("a"))
            names = ("billing", "a.b/c d", "a_b/c d", "*>", "é", "Billing")
            takers = [await self.taking(bus, name, acknowledges=True) for name in names]
            for taker in takers:
                await self.until(lambda t=taker: bool(t.rows), "each is a consumer of its own")

    async def test_a_consumer_goes_by_its_new_types_from_its_place_on(self) -> None:
        """Changing them loses nothing and repeats nothing."""
        async with self.opened() as bus:
            taker = await self.taking(bus, "c", ["t.one"], acknowledges=True)
            await bus.publish([message("a"), message("b", "t.two")])
            await bus.publish(messages("c"))
            await self.takes(taker, 2, "the old types come")
            await self.acknowledged(bus)
            await taker.part.stop()
            await bus.publish([message("d"), message("e", "t.two"), message("f", "t.three")])
        async with self.opened() as bus:
            taker = await self.taking(bus, "c", ["t.two", "t.three"], acknowledges=True)
            await bus.publish([message("g"), message("h", "t.three")])
            await self.until(lambda: "h" in taker.ids, "the new types come")
            expect(taker.ids, ["e", "f", "h"], "what came while it was away, by the new types")
            await self.acknowledged(bus)
            await taker.part.stop()
            taker = await self.taking(bus, "c", None, acknowledges=True)
            await bus.publish(messages("i", kind="t.four"))
            await self.until(lambda: "i" in taker.ids, "all types come")
            expect([one for one in taker.ids if one in "abcefh"], [], "nothing comes twice")

    async def test_a_consumer_that_was_forgotten_begins_anew(self) -> None:
        """And is given nothing meanwhile."""
        async with self.opened() as bus:
            taker = await self.taking(bus, acknowledges=True)
            await bus.publish(messages("a"))
            await self.until(lambda: taker.ids == ["a"], "it is given messages")
            await bus.forget("c")
            await bus.forget("c")
            await bus.forget("unknown")
            await bus.publish(messages("b"))
            other = await self.taking(bus, "other")
            await self.takes(other, 2, "others are")
            expect(taker.ids, ["a"], "it is given nothing more")
            again = await self.taking(bus)
            await self.takes(again, 2, "it begins anew")
            expect(again.attempts, [("a", 1), ("b", 1)], "with the oldest message")

    # -- delivering again --------------------------------------------------------------------------

    async def test_what_is_not_acknowledged_in_time_comes_again(self) -> None:
        """Each time with a greater attempt, and only that message."""
        async with self.opened() as bus:
            taker = await self.taking(bus, ack_wait_ms=self.ack_wait_ms)
            began = self.now()
            await bus.publish(messages("a", "b"))
            await self.takes(taker, 2, "everything comes out")
            taker.acknowledge("a")
            await self.takes(taker, 4, "again and again")
            expect(taker.attempts[:4], [("a", 1), ("b", 1), ("b", 2), ("b", 3)], "only the one")
            expect(taker.times[3] - began >= 2 * self.ack_wait_ms, True, "never early")
            taker.acknowledge("b")
            await self.acknowledged(bus)

    async def test_a_refused_message_comes_again_after_its_delay(self) -> None:
        """And holds up no other."""
        delay_ms = 300
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await bus.publish(messages("a", "b"))
            await self.takes(taker, 2, "everything comes out")
            began = self.now()
            taker.part.refuse(taker.number("a"), delay_ms)
            taker.part.refuse(taker.number("b"), 0)
            await bus.publish(messages("c"))
            await self.takes(taker, 5, "what was refused comes again")
            expect(taker.attempts[-1], ("a", 2), "the delayed one last")
            expect(sorted(taker.attempts[2:4]), [("b", 2), ("c", 1)], "the others before it")
            expect(taker.times[-1] - began >= delay_ms, True, "never early")
            taker.part.refuse(taker.number("a"), 1)
            await self.until(lambda: taker.attempts[-1] == ("a", 3), "attempts are counted on")

    async def test_what_is_unacknowledged_when_a_consumption_stops_comes_to_the_next(self) -> None:
        """In the same process or another; a refusal's delay lasts."""
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await bus.publish(messages("a", "b", "c"))
            await self.takes(taker, 3, "everything comes out")
            taker.acknowledge("b")
            await taker.part.stop()
            await taker.part.stop()
            taker.part.refuse(taker.number("a"), 0)
            taker = await self.taking(bus)
            await self.takes(taker, 2, "what is unacknowledged comes again")
            expect(sorted(taker.attempts), [("a", 2), ("c", 2)], "and only that")
        async with self.opened() as bus:
            taker = await self.taking(bus)
            await self.takes(taker, 2, "what is unacknowledged comes again")
            expect(sorted(taker.attempts), [("a", 3), ("c", 3)], "and only that")

    # -- the window --------------------------------------------------------------------------------

    async def test_a_consumption_never_has_more_than_its_window(self) -> None:
        """However much waits; what is refused counts until it is acknowledged."""
        async with self.opened() as bus:
            await bus.publish(messages(*(f"m{n:02}" for n in range(20))))
            taker = await self.taking(bus, window=3)
            for done in range(0, 18, 3):
                await self.until(lambda d=done: len(taker.rows) >= d + 3, "the window fills")
                await bus.publish(messages(f"x{done}"))
                await bus.newest()
                expect(len(taker.rows), done + 3, "and no more comes")
                taker.part.acknowledge(row.number for row in taker.rows[-3:])
            expect(taker.ids[:18], [f"m{n:02}" for n in range(18)], "in order")

    # -- replicas ----------------------------------------------------------------------------------

    async def test_replicas_share_the_messages(self) -> None:
        """Each message is given to one of them."""
        names = [f"m{number:02}" for number in range(40)]
        async with self.opened() as one, self.opened() as other:
            takers = [await self.taking(one, window=1), await self.taking(other, window=1)]
            await one.publish(messages(*names))
            for _ in range(20):
                await self.until(lambda: all(t.rows for t in takers), "each is given some")
                for taker in takers:
                    taker.acknowledges = True
                    taker.acknowledge()
                await self.until(
                    lambda: sum(len(t.rows) for t in takers) >= len(names), "all come out"
                )
            found = takers[0].rows + takers[1].rows
            expect(sorted(row.id for row in found), names, "each message came once")
            expect({row.attempt for row in found}, {1}, "at the first attempt")

    async def test_a_replica_gets_what_another_one_has_left(self) -> None:
        """When that stops, or lets the time pass."""
        async with self.opened() as one, self.opened() as other:
            leaving = await self.taking(one, ack_wait_ms=self.ack_wait_ms)
            await one.publish(messages("a"))
            await self.until(lambda: leaving.ids == ["a"], "the only one gets it")
            staying = await self.taking(other, ack_wait_ms=self.ack_wait_ms)
            await leaving.part.stop()
            await self.until(lambda: "a" in staying.ids, "the other gets it after that")
            expect(staying.rows[0].attempt > 1, True, "as another attempt")
            staying.acknowledge()
            await self.acknowledged(other)

    # -- repetition --------------------------------------------------------------------------------

    async def test_publishing_again_has_no_effect(self) -> None:
        """At once, in one call, by another process, or after a restart; soon, that is."""
        async with self.opened() as one, self.opened() as other:
            await one.publish(messages("a", "b", "a"))
            await asyncio.gather(one.publish(messages("a")), one.publish(messages("a", "c")))
            await other.publish(messages("c", "b"))
        async with self.opened() as bus:
            await bus.publish([message("b", "t.other", b"other"), message("d")])
            taker = await self.taking(bus)
            await self.until(lambda: "d" in taker.ids, "everything comes out")
            expect(taker.ids, ["a", "b", "c", "d"], "each once")
            expect(taker.rows[1].type, "t.one", "as it was published first")

    # -- reading, counting, dropping ---------------------------------------------------------------

    async def test_history_is_read_without_consuming(self) -> None:
        """From any place, by type, as much as is asked for."""
        async with self.opened() as bus:
            expect(await bus.history(), [], "there is nothing")
            sent = [message(f"m{n}", f"t.{n % 3}") for n in range(12)]
            await bus.publish(sent)
            listed = await bus.history()
            expect([Message(r.id, r.type, r.body) for r in listed], sent, "oldest first")
            expect({row.attempt for row in listed}, {0}, "nothing was delivered")
            half = await bus.history(after=listed[5].number, limit=4)
            expect([row.id for row in half], ["m6", "m7", "m8", "m9"], "from a place on")
            two = await bus.history(types=frozenset({"t.0", "t.2"}), limit=3)
            expect([row.id for row in two], ["m0", "m2", "m3"], "by type")
            later = await bus.history(types=frozenset({"t.1"}), after=listed[4].number)
            expect([row.id for row in later], ["m7", "m10"], "by type from a place on")
            expect(await bus.history(types=frozenset({"t.9"})), [], "of a type that never was")
            expect(await bus.history(types=frozenset()), [], "of no type")
            expect(await bus.history(after=listed[-1].number), [], "after the newest")
            expect(await bus.history(limit=0), [], "nothing, if that is asked for")
            taker = await self.taking(bus)
            await self.takes(taker, 12, "reading has consumed nothing")

    async def test_lag_counts_what_is_not_acknowledged(self) -> None:
        """Delivered or not."""
        async with self.opened() as bus:
            try:
                await bus.lag("c")
            except NotFoundError:
                pass
            else:
                raise AssertionError("the lag of a consumer that does not exist was told")
            taker = await self.taking(bus, "c", ["t.one"], window=2)
            expect(await bus.lag("c"), 0, "nothing waits")
            await bus.publish([*messages("a", "b", "c", "d"), message("x", "t.two")])
            await self.takes(taker, 2, "the window fills")
            expect(await bus.lag("c"), 4, "delivered or waiting")
            taker.acknowledge("a")
            await self.takes(taker, 3, "the next comes")
            expect(await bus.lag("c"), 3, "less what was acknowledged")
            await taker.part.stop()
            expect(await bus.lag("c"), 3, "also when nobody consumes")

    async def test_only_what_everybody_has_acknowledged_is_dropped(self) -> None:
        """And only what is old enough, and never the newest."""
        async with self.opened() as bus:
            taker = await self.taking(bus, "c", ["t.one"])
            await bus.publish([message("x", "t.two"), *messages("a", "b", "c", "d")])
            await self.takes(taker, 4, "everything comes out")
            taker.acknowledge("a", "c")
            await taker.part.stop()
            expect(await bus.purge(self.now() - 3_600_000), 0, "nothing is so old")
            expect(await bus.purge(self.now() + 60_000), 2, "what nobody needs is dropped")
            left = [row.id for row in await bus.history()]
            expect(left, ["b", "c", "d"], "from the first unacknowledged on all is kept")
            await bus.forget("c")
            await bus.purge(self.now() + 60_000)
            expect([row.id for row in await bus.history()], ["d"], "the newest is never dropped")
            taker = await self.taking(bus, "new")
            await self.until(lambda: taker.ids == ["d"], "a new consumer begins with the oldest")

    # -- sizes -------------------------------------------------------------------------------------

    async def test_large_messages_pass(self) -> None:
        """A mebibyte each, some at once."""
        body = bytes(range(256)) * 4_000
        async with self.opened() as bus:
            taker = await self.taking(bus, acknowledges=True)
            await bus.publish([message(f"m{n}", body=body) for n in range(4)])
            await self.takes(taker, 4, "they come out")
            expect({row.body for row in taker.rows}, {body}, "whole")
            expect([row.body for row in await bus.history(limit=2)], [body] * 2, "also when read")
            late = await self.taking(bus, "late", acknowledges=True)
            await self.takes(late, 4, "also to who comes late")

    async def test_many_messages_pass(self) -> None:
        """To consumers who keep up, and to one who comes late."""
        count, size = 6_000, 50
        async with self.opened() as one, self.opened() as other:
            takers = [
                await self.taking(one, "here", acknowledges=True, window=500),
                await self.taking(other, "there", acknowledges=True, window=500),
                await self.taking(other, "half", ["t.one"], acknowledges=True, window=70),
            ]
            for start in range(0, count, size * 10):
                await asyncio.gather(
                    *(
                        one.publish(
                            [
                                message(f"m{n:05}", ("t.one", "t.two")[n % 2])
                                for n in range(s, s + size)
                            ]
                        )
                        for s in range(start, start + size * 10, size)
                    )
                )
            takers.append(await self.taking(one, "late", acknowledges=True))
            names = [f"m{n:05}" for n in range(count)]
            for taker, wanted in zip(takers, (names, names, names[::2], names), strict=True):
                await self.until(lambda t=taker, w=wanted: len(t.rows) >= len(w), "all come out")
                expect(taker.ids == wanted, True, "in order, each once")
            for name in ("here", "there", "half", "late"):
                await self.acknowledged(one, name)

    # -- what is refused ---------------------------------------------------------------------------

    async def test_what_no_bus_can_carry_is_refused(self) -> None:
        """Before anything is published."""
        async with self.opened() as bus:
            await bus.publish([])
            large = b"x" * (LARGEST_BODY + 1)
            for wrong in (
                Message("", "t", b""),
                Message("i", "", b""),
                Message("i", "t" * (LONGEST_NAME + 1), b""),
                Message("\ud800", "t", b""),
                Message("i", "t", large),
            ):
                try:
                    await bus.publish([message("a"), wrong])
                except RequestError:
                    pass
                else:
                    raise AssertionError("what cannot be carried was taken")
            expect(await bus.newest(), 0, "nothing of it was published")

    async def test_a_bus_that_is_not_open_says_so(self) -> None:
        """Before `start` and after `close`."""
        bus = self.make()
        for _ in range(2):
            try:
                await bus.publish(messages("a"))
            except UnavailableError:
                pass
            else:
                raise AssertionError("a bus that is not open took a message")
            await bus.start()
            await bus.close()
