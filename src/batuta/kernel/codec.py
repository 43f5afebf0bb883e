"""States, events and commands as bytes: what the journal and snapshots hold.

A branch's frames end in its fork's frame, which belongs to another token. Written naively, every
branch would carry a copy of everything above the fork; so a token is written with its own frames
only, and the rest is linked again when it is read.

The data of a run stands in many places of its state at once: a value that goes into ten scopes is
the input of each. In memory that is one value; so is it in a snapshot, where such places hold the
number of a value on a *shelf*. What is equal is one, not only what is identical: then the bytes
depend on the state alone, and not on how it came about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from batuta.kernel.commands import Perform, StartChild, Subscribe
from batuta.kernel.evaluation import Evaluated
from batuta.kernel.events import Event
from batuta.kernel.frames import all_frames, earliest, fork_of, later, own_frames
from batuta.kernel.state import (
    CompensationState,
    ForkState,
    Frame,
    Handed,
    RunState,
    Token,
    TryState,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Outstanding(msgspec.Struct, frozen=True, gc=False):
    """What a run has asked of the world and not been answered yet, by kind of command."""

    performs: tuple[Perform, ...] = ()
    children: tuple[StartChild, ...] = ()
    subscriptions: tuple[Subscribe, ...] = ()


class _Snapshot(msgspec.Struct, frozen=True, gc=False):
    state: RunState
    stacks: dict[str, list[Frame]]
    outstanding: Outstanding
    shelf: list[Any] | None = None
    """None in snapshots from before there was one: they hold the values themselves."""


encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode
encode_answers = msgspec.json.Encoder().encode
decode_answers = msgspec.json.Decoder(tuple[Evaluated, ...]).decode
_encode_value = msgspec.json.Encoder().encode
_encode_snapshot = msgspec.json.Encoder().encode
_decode_snapshot = msgspec.json.Decoder(_Snapshot).decode


def encode_snapshot(state: RunState, outstanding: Outstanding) -> bytes:
    """Return a snapshot of a run."""
    shelf = _Shelf()
    bare: dict[str, Token] = {}
    stacks: dict[str, list[Frame]] = {}
    for token in state.tokens.values():
        bare[token.id] = _token(token, shelf.put, frame=None)
        # The frames around a branch are its owner's, unless that is at another participant.
        around = own_frames(token) if token.owner in state.tokens else all_frames(token)
        stacks[token.id] = [_frame(frame, shelf.put, parent=None) for frame in around]
    whole = msgspec.structs.replace(state, tokens=bare, input=shelf.put(state.input))
    return _encode_snapshot(_Snapshot(whole, stacks, _asked(outstanding, shelf.put), shelf.values))


def decode_snapshot(data: bytes) -> tuple[RunState, Outstanding]:
    """Return what `encode_snapshot` wrote.

    Raises:
        msgspec.DecodeError: the bytes are not a snapshot.
    """
    snapshot = _decode_snapshot(data)
    # Before there was a shelf, values stood in their places.
    take = _as_it_is if snapshot.shelf is None else snapshot.shelf.__getitem__
    tokens: dict[str, Token] = {}
    # A branch's owner has a shorter id than the branch, so it is linked before.
    for token in sorted(snapshot.state.tokens.values(), key=lambda token: len(token.id)):
        frame: Frame | None = None
        if token.owner is not None and token.owner in tokens:
            frame = tokens[token.owner].frame
        for own in reversed(snapshot.stacks[token.id]):
            frame = _frame(own, take, parent=frame)
        tokens[token.id] = _token(token, take, frame=frame)
    # The order of tokens is part of the state's meaning only as their ids are: keep the written
    # one.
    ordered = {token_id: tokens[token_id] for token_id in snapshot.state.tokens}
    state = msgspec.structs.replace(
        snapshot.state, tokens=ordered, input=take(snapshot.state.input)
    )
    return state, _asked(snapshot.outstanding, take)


def handed(token: Token) -> Handed:
    """Return a token as it goes to another participant, with all the frames around it.

    What other branches of the forks around it have given stays with the keepers of those joins.
    """
    shelf = _Shelf()
    bare = _token(token, shelf.put, frame=None)
    stack: list[Frame] = []
    fork = fork_of(token)
    own = True
    for frame in all_frames(token):
        own = own and frame.at + frame.path != fork
        state = frame.state
        if not own and isinstance(state, ForkState):
            state = ForkState((), state.keeper)
        stack.append(_frame(frame, shelf.put, parent=None, state=state))
    return Handed(bare, tuple(stack), shelf.values)


def taken_over(sent: Handed, owner: Token | None = None, pause: int = 0) -> Token:
    """Return the token that `handed` was given, as it stands at another participant.

    The timeouts around the fork that it is a branch of are the keeper's to enforce.
    """
    take = sent.shelf.__getitem__
    fork = fork_of(sent.token)
    inside = fork is None
    frame: Frame | None = None
    for bare in reversed(sent.stack):
        if not inside and owner is not None:
            inside, frame = bare.at + bare.path == fork, owner.frame
            continue
        own, wake = bare, None
        if inside:
            own = cast("Frame", later(bare, pause)) if pause else bare
            if not isinstance(own.state, CompensationState):
                expires = own.state.expires if isinstance(own.state, TryState) else None
                wake = earliest(own.deadline, None if frame is None else frame.wake, expires)
        inside = inside or own.at + own.path == fork
        frame = _frame(own, take, parent=frame, wake=wake)
    return _token(sent.token, take, frame=frame)


class _Shelf:
    """Distinct values, as JSON, in the order in which they were first put there."""

    def __init__(self) -> None:
        self.values: list[msgspec.Raw] = []
        self._places: dict[bytes, int] = {}
        self._known: dict[int, int] = {}

    def put(self, value: Any) -> int:
        # The state holds every value while this lives, so that no two have the same id.
        place = self._known.get(id(value))
        if place is None:
            body = _encode_value(value)
            place = self._places.setdefault(body, len(self.values))
            if place == len(self.values):
                self.values.append(msgspec.Raw(body))
            self._known[id(value)] = place
        return place


def _as_it_is(value: Any) -> Any:
    return value


def _frame(frame: Frame, move: Callable[[Any], Any], **changes: Any) -> Frame:
    return msgspec.structs.replace(
        frame,
        raw=move(frame.raw),
        input=move(frame.input),
        variables=_variables(frame.variables, move),
        **changes,
    )


def _token(token: Token, move: Callable[[Any], Any], **changes: Any) -> Token:
    log = token.log and tuple(
        msgspec.structs.replace(
            owed,
            input=move(owed.input),
            output=move(owed.output),
            variables=_variables(owed.variables, move),
        )
        for owed in token.log
    )
    return msgspec.structs.replace(
        token, context=move(token.context), carried=move(token.carried), log=log, **changes
    )


def _asked(outstanding: Outstanding, move: Callable[[Any], Any]) -> Outstanding:
    performs = tuple(
        msgspec.structs.replace(one, input=move(one.input)) for one in outstanding.performs
    )
    return msgspec.structs.replace(outstanding, performs=performs)


def _variables(
    variables: dict[str, Any] | None, move: Callable[[Any], Any]
) -> dict[str, Any] | None:
    return variables and {name: move(value) for name, value in variables.items()}
