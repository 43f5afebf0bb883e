"""`batuta audit`: forgetting what is old of who changed what."""

from __future__ import annotations

from contextlib import closing

import click

from batuta.cli import helping, options, paper, words
from batuta.cli.opening import chosen
from batuta.cli.records import BY, keep, open_store, user
from batuta.errors import RequestError


@click.group(help=helping.AUDIT)
def audit() -> None:
    """Find the command."""


@options.command(audit, help=helping.AUDIT_PURGE)
@click.option("--older-than", "age", metavar="AGE", help=helping.OLDER_THAN)
@options.store
@options.as_json
def purge(age: str | None, store: str | None, as_json: bool) -> None:
    """Forget old rows; see `helping.AUDIT_PURGE`."""
    from batuta.adapters.clock import SystemClock  # noqa: PLC0415 -- loaded when it is needed
    from batuta.app.auditing import forgotten  # noqa: PLC0415 -- as above
    from batuta.app.serving import DAY_MS, MOST_ROWS  # noqa: PLC0415 -- as above

    days = chosen(store).settings.audit_days
    if age is None and days == 0:
        raise RequestError(words.AUDIT_FOR_EVER, hint=words.KEPT_FOR_EVER_HINT)
    now = SystemClock().now()
    before = now - (days * DAY_MS if age is None else options.age_ms(age))
    count = 0
    with closing(open_store(store)) as opened:
        while gone := opened.purge_audits(before, MOST_ROWS):
            count += gone
        if count:
            keep(opened, forgotten(now, before, count, who=user(), by=BY))
    if as_json:
        paper.say_json({"purged": count})
    else:
        paper.say(f"forgot {words.counted(count, 'row')} older than {age or f'{days}d'}")
