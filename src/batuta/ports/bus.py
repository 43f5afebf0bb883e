"""How events get from one system to another: the port of the bus.

A bus keeps messages in one order and hands them to *consumers*, each with a durable name and a
place of its own in that order. It knows a message's id, type and bytes, and nothing of what they
mean: whether a message is well-formed, how often it is worth trying and where it goes when it is
not are questions for whoever consumes (who alone knows the reason).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from batuta.errors import ClaimedError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WINDOW = 2_000
"""Unacknowledged messages that one consumption has at most, unless it asks for another number."""

ACK_WAIT_MS = 30_000
"""How long a bus waits for an acknowledgement, unless a consumption asks for another time."""

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of a body that no bus takes more of. A broker may be set to take less: NATS takes 1 MiB,
with the headers, unless its `max_payload` says otherwise."""

LONGEST_NAME = 400
"""Bytes of an id, of a type or of a consumer's name, in UTF-8."""


class Message(msgspec.Struct, frozen=True):
    """What is published.

    `id` is unique for ever: the same id again is the same event. `type` is the CloudEvent's type,
    and the routing key; `body` the CloudEvent as structured JSON.
    """

    id: str
    type: str
    body: bytes


class Delivered(msgspec.Struct, frozen=True):
    """What comes out.

    `number` is the message's place in the bus's one order, the same for every consumer. `attempt`
    is 1 for the first delivery to this consumer, 0 for what is read without consuming.
    """

    number: int
    id: str
    type: str
    body: bytes
    attempt: int = 0


def check(messages: Sequence[Message]) -> None:
    """Refuse what no bus can carry.

    Raises:
        RequestError: an id or a type is no name, or a body is too large.
    """
    for message in messages:
        check_name("a message's id", message.id)
        check_name("a message's type", message.type)
        if len(message.body) > LARGEST_BODY:
            raise too_large(message, LARGEST_BODY)


def check_name(what: str, name: str) -> None:
    """Refuse what cannot be an id, a type or a name: empty, too long, or no text.

    Raises:
        RequestError: it is none.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise RequestError(f"{what} is no text that can be written: {name!r}") from None
    if not 0 < size <= LONGEST_NAME:
        raise RequestError(f"{what} has {size} bytes, expected 1 to {LONGEST_NAME}: {name[:80]!r}")


def too_large(message: Message, largest: int) -> RequestError:
    """Return the refusal of a message whose body is too large."""
    return RequestError(
        f"message {message.id!r} has {len(message.body)} bytes, the bus takes {largest} at most",
        hint="publish a reference to large data instead of the data",
    )


def claimed(name: str, holder: str) -> ClaimedError:
    """Return the refusal of a name that another holder has claimed."""
    return ClaimedError(
        f"on this bus {name} is another store's: that of id {holder}",
        hint="start it over the store that it had; that one may have been moved or renamed. If it "
        "is lost, take the name over (`--take-over`): what was under way in it does not go on",
    )


class Consumption(Protocol):
    """One process's part in a durable consumer; what `Bus.consume` returns.

    Promises: an acknowledged message is never delivered to the consumer again, once the
        acknowledgement has reached the bus, which is soon; one that gets lost on the way (a crash)
        only means that the message comes once more.
    Failure: none is reported: what cannot be sent now is sent again.
    Cancellation: `stop` may be cancelled; it then stops all the same.
    Order: a refused message comes again without regard to the order.
    Repetition: acknowledging again, or what was not delivered, changes nothing.
    """

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Say that messages are done with for good; gathered and sent soon, never blocks."""
        ...

    def refuse(self, number: int, delay_ms: int) -> None:
        """Ask for a message again, not before `delay_ms` have passed.

        Until then it counts as unacknowledged.
        """
        ...

    async def stop(self) -> None:
        """Take no more: from now on `take` is not called.

        What is unacknowledged will be delivered again: to a replica, or to the next start.
        """
        ...


class Bus(Protocol):
    """Keeps messages in one order, and hands them to consumers at least once.

    Promises: what `publish` returned for survives the death of every process and of the machine;
        numbers grow strictly and are never given twice; a consumer is given every message of its
        types from its place on, again and again until it acknowledges. A message may be delivered
        before `publish` has returned for it.
    Failure: `UnavailableError` from `publish` means that the outcome is unknown or that nothing was
        written: publish the same again, the ids make it safe. From the others it means that nothing
        has happened. `CorruptError` means that the bus must not be used any more. A connection that
        breaks is no failure of a consumption: it goes on by itself when there is one again.
    Cancellation: a cancelled `publish` is one whose outcome is unknown; the others may be cancelled
        without effect.
    Order: messages are numbered in the order in which one process calls `publish`, and first
        deliveries to one consumption come in the order of their numbers. Deliveries that are
        repeated come whenever they are due.
    Repetition: publishing a message again soon (two minutes at least) has no effect. Later it may
        come out a second time, under another number: consumers know it by its id.

    Everything is called on the event loop of `start`. No bus blocks it for longer than a short
    write to a healthy disk takes.
    """

    async def start(self) -> None:
        """Open, or connect.

        Raises:
            UnavailableError: it cannot be reached or opened now.
            RequestError: it is not one that can be used as it is set up; the error says why.
        """
        ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish, in order; returns when all of them are durable.

        Raises:
            UnavailableError: some may be durable and others not: publish the same again.
            RequestError: one is no message that the bus could carry; nothing was published.
        """
        ...

    async def consume(
        self,
        name: str,
        types: frozenset[str] | None,
        take: Callable[[list[Delivered]], None],
        *,
        window: int = WINDOW,
        ack_wait_ms: int = ACK_WAIT_MS,
    ) -> Consumption:
        """Become a part of the durable consumer `name`, alone or beside others (its replicas).

        Args:
            name: any text of at most `LONGEST_NAME` bytes. A new one begins with the oldest message
                that is kept. Those who consume under one name share the messages: each is given to
                one of them at a time.
            types: which messages it is for; None for all. If they are not what they were the last
                time, the consumer goes by the new ones from its place on. Replicas name the same.
            take: called on the loop with one or more messages; must not raise, nor take long.
            window: how many messages this consumption has unacknowledged at most.
            ack_wait_ms: what is neither acknowledged nor refused for so long is delivered again,
                with `attempt` greater by 1.
        """
        ...

    async def history(
        self, *, after: int = 0, types: frozenset[str] | None = None, limit: int = 1000
    ) -> list[Delivered]:
        """Read without consuming: messages with greater numbers, oldest first.

        What is read may be so new that `publish` has not returned for it yet.
        """
        ...

    async def newest(self) -> int:
        """Return the number of the newest message; 0 when there has been none."""
        ...

    async def lag(self, name: str) -> int:
        """Return how many messages a consumer has not acknowledged.

        Those that it was given count, and those that wait for it.

        Raises:
            NotFoundError: there is no such consumer.
        """
        ...

    async def claim(self, name: str, holder: str, *, take_over: bool = False) -> None:
        """Claim a consumer's name for one holder, for good; claiming it again changes nothing.

        Two who consume under one name share its messages. That is right for replicas over one
        store, and loses half of everything for two stores: so each claims the name first.

        Args:
            name: the consumer's, whether there is one yet or not.
            holder: what no other has, and this one has for ever (`Store.name`).
            take_over: claim it even if another holder has it. That one goes on until it stops, and
                is refused from then on.

        Raises:
            ClaimedError: another holder has the name.
        """
        ...

    async def forget(self, name: str) -> None:
        """Drop a durable consumer and the claim on its name, if there are such.

        A consumption of it is given nothing more.
        """
        ...

    async def purge(self, before_ms: int) -> int:
        """Drop messages published before a time (epoch milliseconds); returns how many.

        Only what lies before everything that an existing consumer has not acknowledged, and never
        the newest message.
        """
        ...

    async def close(self) -> None:
        """Send what is left to send, stop every consumption, and disconnect."""
        ...
