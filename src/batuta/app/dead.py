"""Dead letters: messages that could not be taken, and what a person decides about them.

Owns how they are named (`NAME/NUMBER`: whose store, and the number in there), how they are grouped,
and what may be asked for. They stay where they are: with the participant that could not take them.
Asking works whether that runs or not; it looks into its store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from batuta.app.views import text_time
from batuta.errors import NotFoundError, RequestError
from batuta.ports.mail import AGAIN, DEAD, LATE, Mailbox, Parked
from batuta.ports.store import Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

WHYS = (DEAD, LATE, AGAIN)
_PAGE = 500


class Box(Mailbox, Protocol):
    """A store, as far as its mail is concerned."""

    def commit(self, batch: Batch) -> None:
        """Make a batch durable. See `Store`."""
        ...


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was put aside, as people and programs see it.

    `id` is what commands take, `message` what the bus knows it by. `status` is dead, late or again
    (it is to be taken again). `event` is the CloudEvent, or the text of what is none.
    """

    id: str
    participant: str
    status: str
    reason: str
    at: str
    type: str
    run: str | None
    message: str
    attempts: int
    event: Any

    def as_json(self) -> dict[str, Any]:
        """Return the documented JSON object."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


class DeadLetters:
    """The dead letters of some stores, by the name of whose they are."""

    def __init__(self, boxes: Mapping[str, Box]) -> None:
        self._boxes = boxes

    def found(
        self, *, status: str = DEAD, of: str | None = None, run: str | None = None
    ) -> list[Letter]:
        """Return messages that were put aside, the oldest first.

        Args:
            status: dead, late or again.
            of: only those of one participant.
            run: only those about one run.

        Raises:
            NotFoundError: there is no such participant here.
        """
        if of is not None and of not in self._boxes:
            raise NotFoundError(
                f"there is no store of a participant {of!r} here",
                hint=f"there are those of: {', '.join(self._boxes) or 'nobody'}",
            )
        letters = [
            _letter(name, one)
            for name, box in self._boxes.items()
            if of in {None, name}
            for one in _parked(box, status)
        ]
        return sorted(
            (one for one in letters if run in {None, one.run}), key=lambda one: (one.at, one.id)
        )

    def one(self, letter: str) -> Letter:
        """Return one message.

        Raises:
            NotFoundError: there is none of that id.
            RequestError: it is no id.
        """
        name, number = _read(letter)
        box = self._boxes.get(name)
        parked = None if box is None else box.parked_one(number)
        if parked is None:
            raise NotFoundError(
                f"no message {letter} was put aside here", hint="`batuta dead list` shows them"
            )
        return _letter(name, parked)

    def redrive(self, letters: Collection[str]) -> list[Letter]:
        """Have messages taken again, from the beginning; returns them.

        Each participant does it when it next looks into its store, or starts.

        Raises:
            NotFoundError: there is none of an id; nothing was changed.
        """
        found = [self.one(letter) for letter in letters]
        for name, numbers in _by_box(found).items():
            batch = Batch()
            batch.redriven += numbers
            self._boxes[name].commit(batch)
        return found

    def discard(self, letters: Collection[str]) -> list[Letter]:
        """Forget messages, for good; returns them.

        Raises:
            NotFoundError: there is none of an id; nothing was changed.
        """
        found = [self.one(letter) for letter in letters]
        for name, numbers in _by_box(found).items():
            batch = Batch()
            batch.unparked += numbers
            self._boxes[name].commit(batch)
        return found


def by_reason(letters: Collection[Letter]) -> dict[str, list[Letter]]:
    """Return letters by why they were put aside, what is most frequent first."""
    groups: dict[str, list[Letter]] = {}
    for one in letters:
        groups.setdefault(one.reason, []).append(one)
    return dict(sorted(groups.items(), key=lambda item: -len(item[1])))


def _parked(box: Mailbox, status: str) -> Iterator[Parked]:
    after = 0
    while page := box.parked(status, after=after, limit=_PAGE):
        yield from page
        after = page[-1].number


def _letter(name: str, parked: Parked) -> Letter:
    event: Any = parked.body.decode(errors="replace")
    run = parked.run
    try:
        event = msgspec.json.decode(parked.body)
        run = run or event["batutarun"]
    except (msgspec.DecodeError, KeyError, TypeError):
        pass  # what is no event is shown as it came
    return Letter(
        id=f"{name}/{parked.number}",
        participant=name,
        status=parked.why,
        reason=parked.reason,
        at=text_time(parked.at) or "",
        type=parked.type,
        run=run or None,
        message=parked.id,
        attempts=parked.attempts,
        event=event,
    )


def _read(letter: str) -> tuple[str, int]:
    name, _, number = letter.rpartition("/")
    if not name or not number.isdigit():
        raise RequestError(
            f"{letter!r} is no id of a message",
            hint="write PARTICIPANT/NUMBER, as `batuta dead list` shows it",
        )
    return name, int(number)


def _by_box(letters: Collection[Letter]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for one in letters:
        numbers.setdefault(one.participant, []).append(_read(one.id)[1])
    return numbers
