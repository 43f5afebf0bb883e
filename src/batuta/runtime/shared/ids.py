"""Run ids: 26 characters that sort by time (Crockford base 32 of a 48-bit time and 80 random bits).

Sorting by time keeps new rows beside each other in the store. The randomness is taken from the
operating system; ids of sub-workflows and of scheduled runs are derived, so that deriving them
again, after a crash or in another process, gives the same run and not a second one.
"""

from __future__ import annotations

from hashlib import blake2b
from secrets import token_bytes

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]


def new_run_id(now: int) -> str:
    """Return a fresh id for a run that starts at `now` (epoch milliseconds)."""
    return _text(now, int.from_bytes(token_bytes(10)))


def child_run_id(parent: str, key: str) -> str:
    """Return the id of the sub-workflow that a task occurrence of a run starts."""
    digest = blake2b(f"{parent}\n{key}".encode(), digest_size=10).digest()
    return parent[:10] + _text(0, int.from_bytes(digest))[10:]


def scheduled_run_id(at: int, identity: str, kind: str, number: int) -> str:
    """Return the id of the run that a schedule's fire starts; `at` is when it was due.

    Of those that are due in the same millisecond, later numbers sort later.
    """
    digest = blake2b(f"{identity}\n{kind}\n{number}".encode(), digest_size=7).digest()
    return _text(at, (number & 0xFFFFFF) << 56 | int.from_bytes(digest))


def _text(time: int, rest: int) -> str:
    number = (time << 80) | rest
    pairs: list[str] = []
    for _ in range(13):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(pairs))
