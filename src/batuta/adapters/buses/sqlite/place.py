"""How far one durable consumer has come, and who holds what of it. Pure: no file, no clock.

A place is one row of the file. `given` is the number up to which every message has been given to a
replica or is none of the consumer's types. What was given and is not acknowledged is *lent*: a loan
is a set of numbers that one replica got at once, so that it has one deadline and one count of
attempts. (A low-water mark and the numbers acknowledged above it would say the same; but one
message that nobody can deal with would let that grow for ever, while loans are bounded by windows.)

A loan whose deadline has passed, or whose replica has gone, is lent again before anything new. A
refused message *rests* until its time: nobody has it, but it counts in the window of its replica.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

NOBODY = ""


class Loan:
    """Messages lent at once: to whom, the how manyth time, and until when.

    `told` is no part of the row: whoever holds the loan in this process knows of it already.
    """

    __slots__ = ("attempt", "due", "holder", "numbers", "resting", "told")

    def __init__(
        self, holder: str, attempt: int, due: int, numbers: set[int], *, resting: bool = False
    ) -> None:
        self.holder = holder
        self.attempt = attempt
        self.due = due
        self.numbers = numbers
        self.resting = resting
        self.told = False


_Kept = tuple[dict[str, int], list[tuple[str, int, int, set[int], bool]]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class Place:
    """One consumer's row, in memory; `changed` says that the file does not know all of it."""

    __slots__ = ("_loan_of", "changed", "given", "loans", "windows")

    def __init__(self, given: int = 0, kept: bytes | None = None) -> None:
        self.given = given
        self.windows: dict[str, int] = {}
        """How many messages each replica takes."""
        self.loans: list[Loan] = []
        self.changed = False
        if kept is not None:
            self.windows, loans = _decode(kept)
            self.loans = [Loan(*one[:4], resting=one[4]) for one in loans]
        self._loan_of = {number: loan for loan in self.loans for number in loan.numbers}

    def kept(self) -> bytes:
        """Return what the row holds besides `given`."""
        loans = [(one.holder, one.attempt, one.due, one.numbers, one.resting) for one in self.loans]
        return _encode((self.windows, loans))

    # -- who takes part ----------------------------------------------------------------------------

    def join(self, replica: str, window: int) -> None:
        """Let a replica take part."""
        self.windows[replica] = window
        self.changed = True

    def leave(self, replica: str, now: int) -> None:
        """Let a replica go; what it holds may be lent again at once."""
        if self.windows.pop(replica, None) is None:
            return
        for loan in self.loans:
            if loan.holder == replica:
                loan.holder = NOBODY
                loan.due = loan.due if loan.resting else now
        self.changed = True

    def held_by(self, replica: str) -> list[Loan]:
        """Return what a replica is to deal with now."""
        return [one for one in self.loans if one.holder == replica and not one.resting]

    # -- what becomes of messages ------------------------------------------------------------------

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Be done with messages, whoever holds them."""
        for number in numbers:
            self._take_out(number)

    def refuse(self, number: int, due: int) -> None:
        """Let a message rest until a time."""
        loan = self._take_out(number)
        if loan is not None:
            self._put_in(Loan(loan.holder, loan.attempt, due, {number}, resting=True))

    def _take_out(self, number: int) -> Loan | None:
        loan = self._loan_of.pop(number, None)
        if loan is not None:
            loan.numbers.discard(number)
            if not loan.numbers:
                self.loans.remove(loan)
            self.changed = True
        return loan

    def _put_in(self, loan: Loan) -> None:
        self.loans.append(loan)
        for number in loan.numbers:
            self._loan_of[number] = loan
        self.changed = True

    # -- lending -----------------------------------------------------------------------------------

    def next_due(self, now: int) -> int | None:
        """Return when a loan will be due; what is due already waits for room, not for a time."""
        return min((one.due for one in self.loans if one.due > now), default=None)

    def oldest(self) -> int:
        """Return the number up to which everything has been given and acknowledged."""
        return min([self.given, *(number - 1 for number in self._loan_of)])

    def unacknowledged(self) -> int:
        """Return how many messages were given and not acknowledged."""
        return len(self._loan_of)

    def room(self) -> int:
        """Return how many messages may be lent at most."""
        return max(0, sum(self.windows.values()) - len(self._loan_of))

    def lend(self, numbers: list[int], upto: int, now: int, until: int) -> list[Loan]:
        """Lend what is due, then what is new, as far as the windows reach; returns the new loans.

        Args:
            numbers: every message for the consumer between `given` and `upto`, in order; what was
                given before is passed over.
            upto: how far `numbers` reach.
            now: the time.
            until: the deadline of what is lent now.
        """
        if not self.windows:
            return []
        made: list[Loan] = []
        room = dict(self.windows)
        waiting = 0
        due: list[Loan] = []
        for loan in self.loans:
            if loan.due <= now:
                due.append(loan)
            elif loan.holder in room:
                room[loan.holder] -= len(loan.numbers)
            else:
                waiting += len(loan.numbers)
        for loan in sorted(due, key=_first):
            waiting += self._lend_again(loan, room, until, made)
        new = [number for number in numbers if number > self.given]
        free = max(0, sum(room.values()) - waiting)
        lent = self._share(new[:free], room, 1, until, made)
        if lent == len(new):
            self.given = max(self.given, upto)
        elif lent:
            self.given = new[lent - 1]
        return made

    def _lend_again(self, loan: Loan, room: dict[str, int], until: int, made: list[Loan]) -> int:
        """Lend what was lent before; say how much of it must wait for room."""
        numbers = sorted(loan.numbers)
        lent = self._share(numbers, room, loan.attempt + 1, until, made)
        left = numbers[lent:]
        if left:
            self.changed = self.changed or loan.holder != NOBODY
            loan.holder, loan.numbers, loan.resting = NOBODY, set(left), False
        else:
            self.loans.remove(loan)
        return len(left)

    def _share(
        self, numbers: list[int], room: dict[str, int], attempt: int, until: int, made: list[Loan]
    ) -> int:
        """Lend the first of `numbers`, each to the replica with the most room; say how many."""
        if not numbers:
            return 0
        lent = 0
        for replica, share in _dealt(numbers, room).items():
            if share:
                lent += len(share)
                room[replica] -= len(share)
                made.append(Loan(replica, attempt, until, set(share)))
                self._put_in(made[-1])
        return lent


def _first(loan: Loan) -> int:
    return min(loan.numbers)


def _dealt(numbers: list[int], room: dict[str, int]) -> dict[str, list[int]]:
    """Deal numbers out in order, each to the replica with the most room at that moment."""
    if len(room) == 1:
        ((replica, free),) = room.items()
        return {replica: numbers[: max(0, free)]}
    shares: dict[str, list[int]] = {replica: [] for replica in room}
    most = [(-free, replica) for replica, free in room.items() if free > 0]
    heapq.heapify(most)
    for number in numbers:
        if not most:
            break
        negative, replica = most[0]
        shares[replica].append(number)
        if negative + 1 < 0:
            heapq.heapreplace(most, (negative + 1, replica))
        else:
            heapq.heappop(most)
    return shares
