"""`batuta dead`: messages that participants could not take, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from batuta.cli import accounts, helping, options, paper, words
from batuta.cli.opening import chosen

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.app.dead import DeadLetters, Letter

T = TypeVar("T")
MOST = 10
"""Messages of one reason that a list shows."""

of_participant = click.option("--participant", metavar="NAME", help=helping.DEAD_OF)
of_run = click.option("--run", "run_id", metavar="ID", help=helping.DEAD_RUN)
letters = click.argument("letters", metavar="ID...", nargs=-1)
everything = click.option("--all", "everything", is_flag=True, help=helping.DEAD_ALL)


@click.group(help=helping.DEAD)
def dead() -> None:
    """Find the command."""


@options.command(dead, "list", help=helping.DEAD_LIST)
@of_participant
@of_run
@click.option("--late", is_flag=True, help=helping.DEAD_LATE)
@options.store
@options.as_json
def list_(
    participant: str | None, run_id: str | None, late: bool, store: str | None, as_json: bool
) -> None:
    """List dead letters; see `helping.DEAD_LIST`."""
    from batuta.app.dead import by_reason  # noqa: PLC0415 -- help needs no codec
    from batuta.ports.mail import DEAD, LATE  # noqa: PLC0415 -- as above

    found = _with(store, lambda all_: all_.found(
        status=LATE if late else DEAD, of=participant, run=run_id
    ))  # fmt: skip
    if as_json:
        paper.say_json({"messages": [one.as_json() for one in found]})
        return
    if not found:
        paper.tell(words.NO_LATE if late else words.NO_DEAD)
        return
    for reason, group in by_reason(found).items():
        tone = "dim" if late else "bad"
        count = paper.styled(words.counted(len(group), "message"), tone, err=False)
        paper.say(f"{count}: {paper.clean(reason)}")
        rows = [
            (one.id, accounts.plain_time(one.at), one.type, one.run or "-") for one in group[:MOST]
        ]
        paper.say_table(("ID", "PUT ASIDE (UTC)", "TYPE", "RUN"), rows)
        if len(group) > MOST:
            paper.say(f"... {len(group) - MOST} more")
        paper.say()
    if not late:
        paper.tell(words.dead_next(found[0].id, store))


@options.command(dead, help=helping.DEAD_SHOW)
@click.argument("letter", metavar="ID")
@options.store
@options.as_json
def show(letter: str, store: str | None, as_json: bool) -> None:
    """Show one; see `helping.DEAD_SHOW`."""
    one = _with(store, lambda all_: all_.one(letter))
    if as_json:
        paper.say_json(one.as_json())
        return
    status = paper.styled(one.status, "bad" if one.status == "dead" else "plain", err=False)
    paper.say(f"{status}  {one.id}  {paper.clean(one.type)}")
    for name, value in (
        ("reason", one.reason),
        ("put aside", f"{accounts.plain_time(one.at)} UTC, at delivery {one.attempts}"),
        ("run", one.run or "none that it names"),
        ("message", one.message),
    ):
        paper.say(f"  {paper.styled(f'{name:<9}', 'dim', err=False)} {paper.clean(value)}")
    paper.say(f"  {paper.styled('event', 'dim', err=False)}")
    paper.say(accounts.indented(paper.as_json(one.event)))
    if one.status == "dead":
        paper.tell(words.dead_next(one.id, store))


@options.command(dead, help=helping.DEAD_REDRIVE)
@letters
@everything
@of_participant
@of_run
@options.store
@options.as_json
def redrive(**given: Any) -> None:
    """Have messages taken again; see `helping.DEAD_REDRIVE`."""
    _decide("redriven", words.redriven, lambda all_, ids: all_.redrive(ids), **given)


@options.command(dead, help=helping.DEAD_DISCARD)
@letters
@everything
@of_participant
@of_run
@options.store
@options.as_json
def discard(**given: Any) -> None:
    """Forget messages; see `helping.DEAD_DISCARD`."""
    _decide("discarded", words.discarded, lambda all_, ids: all_.discard(ids), **given)


def _decide(
    what: str,
    said: Callable[[int], str],
    act: Callable[[DeadLetters, list[str]], list[Letter]],
    *,
    letters: tuple[str, ...],
    everything: bool,
    participant: str | None,
    run_id: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Do with some messages, or all of a kind, what was decided."""
    is_meant = everything or participant is not None or run_id is not None
    if bool(letters) == is_meant:
        raise click.UsageError(words.DEAD_WHICH)

    def decided(all_: DeadLetters) -> list[Letter]:
        chosen_ = [one.id for one in all_.found(of=participant, run=run_id)] if is_meant else None
        return act(all_, list(dict.fromkeys(letters)) if chosen_ is None else chosen_)

    found = _with(store, decided)
    if as_json:
        paper.say_json({what: [one.id for one in found]})
    else:
        paper.say(said(len(found)))


def _with(store: str | None, use: Callable[[DeadLetters], T]) -> T:
    from batuta.app.dead import DeadLetters  # noqa: PLC0415 -- help needs no codec
    from batuta.wiring.looking import mailboxes  # noqa: PLC0415 -- brings every driver

    with mailboxes(chosen(store).store) as boxes:
        return use(DeadLetters(boxes))
