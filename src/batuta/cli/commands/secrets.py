"""`batuta secrets`: the encrypted store of secrets in this folder.

Values go in and never out: they are read by the runs that declare them, and no command shows them.
"""

from __future__ import annotations

import sys

import click

from batuta.cli import helping, options, paper, words
from batuta.errors import RequestError


@click.group(help=helping.SECRETS)
def secrets() -> None:
    """Find the command."""


@options.command(secrets, "set", help=helping.SECRETS_SET)
@click.argument("name")
@click.option("--value", metavar="TEXT", help=helping.SECRET_TEXT)
@options.as_json
def set_(name: str, value: str | None, as_json: bool) -> None:
    """Keep a secret; see `helping.SECRETS_SET`."""
    from batuta.wiring.secret_places import KEY_FILE, KeptSecrets  # noqa: PLC0415 -- brings cryptography

    text = _read(name) if value is None else value
    if not text:
        raise RequestError(f"the value of secret `{name}` is empty", hint=words.VALUE_HINT)
    if KeptSecrets().set(name, text):
        paper.tell(words.new_key(str(KEY_FILE)))
    if as_json:
        paper.say_json({"name": name, "set": True})
    else:
        paper.say(f"secret `{name}` is set")


def _read(name: str) -> str:
    """Return a value that is typed unseen, or piped in; its last line break is not part of it."""
    if sys.stdin.isatty():
        return click.prompt(f"value of {name}", hide_input=True, err=True)
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


@options.command(secrets, "list", help=helping.SECRETS_LIST)
@options.as_json
def list_(as_json: bool) -> None:
    """Show names; see `helping.SECRETS_LIST`."""
    from batuta.wiring.secret_places import KeptSecrets  # noqa: PLC0415 -- brings cryptography

    names = KeptSecrets().names()
    if as_json:
        paper.say_json({"secrets": list(names)})
        return
    for name in names:
        paper.say(name)
    if not names:
        paper.tell(words.NO_SECRETS)


@options.command(secrets, help=helping.SECRETS_DELETE)
@click.argument("name")
@options.as_json
def delete(name: str, as_json: bool) -> None:
    """Forget a secret; see `helping.SECRETS_DELETE`."""
    from batuta.wiring.secret_places import KeptSecrets  # noqa: PLC0415 -- brings cryptography

    KeptSecrets().delete(name)
    if as_json:
        paper.say_json({"name": name, "deleted": True})
    else:
        paper.say(f"secret `{name}` is deleted")
