"""`batuta keys`: who else may come in to a server over this store, and as what."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import click

from batuta.cli import accounts, helping, options, paper, words
from batuta.cli.records import note, open_store
from batuta.errors import NotFoundError

if TYPE_CHECKING:
    from batuta.ports.records import ApiKey


@click.group(help=helping.KEYS)
def keys() -> None:
    """Find the command."""


@options.command(keys, help=helping.KEYS_ADD)
@click.argument("name")
@click.option("--role", default="viewer", show_default=True, help=helping.KEY_ROLE)
@click.option("--namespace", "namespaces", multiple=True, metavar="PATTERN", help=helping.KEY_SCOPE)
@click.option("--grant", "grants", multiple=True, metavar="GRANT", help=helping.KEY_GRANT)
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help=helping.KEY_DAYS)
@options.store
@options.as_json
def add(
    name: str,
    role: str,
    namespaces: tuple[str, ...],
    grants: tuple[str, ...],
    days: float | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Make a key; see `helping.KEYS_ADD`."""
    from batuta.adapters.clock import SystemClock  # noqa: PLC0415 -- loaded when it is needed
    from batuta.server.keys import new_key  # noqa: PLC0415 -- brings argon2

    now = SystemClock().now()
    kept, token = new_key(name, role, namespaces, now, days=days, grants=grants)
    with closing(open_store(store)) as opened:
        opened.keep_key(kept)
        note(opened, now, "key.add", kept.id, name=name, role=role, grants=list(grants))
    if as_json:
        paper.say_json({**_shown(kept), "token": token})
    else:
        paper.say(token)
        paper.tell(words.KEY_SHOWN_ONCE)


@options.command(keys, "list", help=helping.KEYS_LIST)
@options.store
@options.as_json
def list_(store: str | None, as_json: bool) -> None:
    """Show keys; see `helping.KEYS_LIST`."""
    with closing(open_store(store)) as opened:
        found = opened.all_keys()
    if as_json:
        paper.say_json({"keys": [_shown(one) for one in found]})
        return
    for one in found:
        until = (
            ""
            if one.expires_at is None
            else f"  until {accounts.plain_time(_text(one.expires_at))}"
        )
        state = "  revoked" if one.revoked_at is not None else until
        more = "".join(f" +{grant}" for grant in one.grants)
        paper.say(
            f"{one.id}  {one.role:<8}  {','.join(one.namespaces):<12}  {one.name}{more}{state}"
        )
    if not found:
        paper.tell(words.NO_KEYS)


@options.command(keys, help=helping.KEYS_REVOKE)
@click.argument("key_id", metavar="ID")
@options.store
@options.as_json
def revoke(key_id: str, store: str | None, as_json: bool) -> None:
    """Revoke a key; see `helping.KEYS_REVOKE`."""
    from batuta.adapters.clock import SystemClock  # noqa: PLC0415 -- loaded when it is needed

    now = SystemClock().now()
    with closing(open_store(store)) as opened:
        if not opened.revoke_key(key_id, now):
            raise NotFoundError(f"there is no key {key_id}", hint="`batuta keys list` shows them")
        note(opened, now, "key.revoke", key_id)
    if as_json:
        paper.say_json({"id": key_id, "revoked": True})
    else:
        paper.say(f"key {key_id} lets nobody in any more, nor any session made of it")


def _text(milliseconds: int | None) -> str | None:
    from batuta.app.views import text_time  # noqa: PLC0415 -- as above

    return text_time(milliseconds)


def _shown(key: ApiKey) -> dict[str, object]:
    """Return what may be shown of a key."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "namespaces": list(key.namespaces),
        "createdAt": _text(key.created_at),
        "expiresAt": _text(key.expires_at),
        "revokedAt": _text(key.revoked_at),
        "grants": list(key.grants),
    }
