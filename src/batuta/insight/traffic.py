"""What a run costs in messages: how many there are, and by how many of them control goes on.

A *hop* is a message that somebody has to take before the run can go on: the start, a token or the
end of a branch that goes to another participant, a request and its answer. The other messages tell:
of the end, of progress. Under a conductor each task of a participant is a request and an answer,
both of them hops; where participants live inside of the conductor they are calls, and counted all
the same, since that is what the model costs once they do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from batuta.runtime.shared.envelope import Envelope, decode_envelope, decode_hand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batuta.ports.bus import Delivered

ACTING = frozenset({"call", "run"})
"""Kinds of task that a participant performs; a conductor waits, listens and emits by itself."""


class Traffic(NamedTuple):
    """Messages, and those of them that are hops."""

    messages: int
    hops: int


def on_bus(messages: Iterable[Delivered]) -> Traffic:
    """Count the messages about runs among those of a bus."""
    envelopes = [envelope for one in messages if (envelope := _envelope(one)) is not None]
    return Traffic(len(envelopes), sum(map(_is_hop, envelopes)))


def under_conductor(kinds: Iterable[str]) -> Traffic:
    """Count what a conductor and participants tell each other.

    Args:
        kinds: of the tasks in the timelines of its runs, every attempt once.
    """
    asked = sum(kind in ACTING for kind in kinds)
    return Traffic(2 * asked, 2 * asked)


def _envelope(message: Delivered) -> Envelope | None:
    try:
        envelope = decode_envelope(message.body)
    except msgspec.DecodeError:
        return None
    return envelope if envelope.batutarun is not None else None


def _is_hop(envelope: Envelope) -> bool:
    if envelope.batutakey is not None:
        return True
    if envelope.batutahand is None:
        return envelope.type.endswith(".start")
    hand = decode_hand(envelope.batutahand)
    return bool(hand.tokens or hand.branches)
