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

    def name(self) -> str:
        """Return what the store is called. See `Store`."""
        ...

    def version(self) -> int:
        """Return a number that changes when another connection has written. See `Store`."""
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


class Group(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Letters that one participant put aside for one reason; `sample` is the newest's id."""

    reason: str
    participant: str
    count: int
    newest_at: str
    sample: str


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

    def page(
        self, *, status: str = DEAD, of: str | None = None, after: str | None = None, limit: int
    ) -> tuple[list[Letter], str | None]:
        """Return messages that were put aside, by participant and number, and where to go on.

        Args:
            status: dead, late or again.
            of: only those of one participant.
            after: the id of the last one that was seen.
            limit: how many at most.

        Raises:
            RequestError: `after` is no id.
        """
        name, number = ("", 0) if after is None else _read(after)
        found: list[Letter] = []
        for box_name in sorted(self._boxes):
            if box_name < name or of not in {None, box_name}:
                continue
            start = number if box_name == name else 0
            room = limit + 1 - len(found)
            parked = self._boxes[box_name].parked(status, after=start, limit=room)
            found += [_letter(box_name, one) for one in parked]
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
        return found, None

    def groups(self, status: str = DEAD) -> list[Group]:
        """Return why messages were put aside and by whom, what is most frequent first."""
        found = [
            Group(
                reason=one.reason,
                participant=name,
                count=one.messages,
                newest_at=text_time(one.newest_at) or "",
                sample=f"{name}/{one.number}",
            )
            for name, box in self._boxes.items()
            for one in box.reasons(status)
        ]
        return sorted(found, key=lambda one: (-one.count, one.participant, one.reason))

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

    def redrive_as(self, letter: str, event: dict[str, Any]) -> Letter:
        """Have a message taken again with other content; returns it as it is now.

        What it is known by stays (id, source and type): it is the same event, mended.

        Raises:
            NotFoundError: there is none of that id.
            RequestError: it would be another event.
        """
        name, number = _read(letter)
        known = self.one(letter).event
        for member in ("id", "source", "type"):
            if isinstance(known, dict) and event.get(member) != known.get(member):
                raise RequestError(
                    f"{member} is {event.get(member)!r}; this event's is {known.get(member)!r}",
                    hint="change its data; another event is published, not redriven",
                )
        parked = self._boxes[name].parked_one(number)
        assert parked is not None, letter  # noqa: S101 -- it was there, and this loop alone writes
        batch = Batch()
        batch.unparked.append(number)
        batch.parked.append(
            msgspec.structs.replace(parked, why=AGAIN, body=msgspec.json.encode(event))
        )
        self._boxes[name].commit(batch)
        return _letter(name, self._again(name, parked))

    def _again(self, name: str, old: Parked) -> Parked:
        """Return what has taken the place of a message that is to be taken again."""
        found = [one for one in _parked(self._boxes[name], AGAIN) if one.id == old.id]
        return max(found, key=lambda one: one.number, default=old)

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
