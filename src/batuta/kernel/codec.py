"""States, events and commands as bytes: what the journal and snapshots hold.

A branch's frames end in its fork's frame, which belongs to another token. Written naively, every
branch would carry a copy of everything above the fork; so a token is written with its own frames
only, and the rest is linked again when it is read.
"""

from __future__ import annotations

import msgspec

from batuta.kernel.commands import Perform, StartChild, Subscribe
from batuta.kernel.evaluation import Evaluated
from batuta.kernel.events import Event
from batuta.kernel.frames import own_frames
from batuta.kernel.state import Frame, RunState, Token


class Outstanding(msgspec.Struct, frozen=True, gc=False):
    """What a run has asked of the world and not been answered yet, by kind of command."""

    performs: tuple[Perform, ...] = ()
    children: tuple[StartChild, ...] = ()
    subscriptions: tuple[Subscribe, ...] = ()


class _Snapshot(msgspec.Struct, frozen=True, gc=False):
    state: RunState
    stacks: dict[str, list[Frame]]
    outstanding: Outstanding


encode_event = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode
encode_answers = msgspec.json.Encoder().encode
decode_answers = msgspec.json.Decoder(tuple[Evaluated, ...]).decode
_encode_snapshot = msgspec.json.Encoder().encode
_decode_snapshot = msgspec.json.Decoder(_Snapshot).decode


def encode_snapshot(state: RunState, outstanding: Outstanding) -> bytes:
    """Return a snapshot of a run."""
    bare: dict[str, Token] = {}
    stacks: dict[str, list[Frame]] = {}
    for token in state.tokens.values():
        bare[token.id] = msgspec.structs.replace(token, frame=None)
        stacks[token.id] = _own_frames(token)
    return _encode_snapshot(
        _Snapshot(msgspec.structs.replace(state, tokens=bare), stacks, outstanding)
    )


def decode_snapshot(data: bytes) -> tuple[RunState, Outstanding]:
    """Return what `encode_snapshot` wrote.

    Raises:
        msgspec.DecodeError: the bytes are not a snapshot.
    """
    snapshot = _decode_snapshot(data)
    tokens: dict[str, Token] = {}
    # A branch's owner has a shorter id than the branch, so it is linked before.
    for token in sorted(snapshot.state.tokens.values(), key=lambda token: len(token.id)):
        frame: Frame | None = None
        if token.owner is not None and token.owner in tokens:
            frame = tokens[token.owner].frame
        for own in reversed(snapshot.stacks[token.id]):
            frame = msgspec.structs.replace(own, parent=frame)
        tokens[token.id] = msgspec.structs.replace(token, frame=frame)
    # The order of tokens is part of the state's meaning only as their ids are: keep the written
    # one.
    ordered = {token_id: tokens[token_id] for token_id in snapshot.state.tokens}
    return msgspec.structs.replace(snapshot.state, tokens=ordered), snapshot.outstanding


def _own_frames(token: Token) -> list[Frame]:
    return [msgspec.structs.replace(frame, parent=None) for frame in own_frames(token)]
