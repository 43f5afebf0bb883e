"""Who changed what: written with the change, read by those who have to know.

A row goes into the batch that is being filled, so that it is durable no later than the change that
is asked for next, and costs no commit of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.app.views import text_time
from batuta.ports.records import AuditRow

if TYPE_CHECKING:
    from batuta.app.engine import Engine


def forgotten(at: int, before: int, count: int, *, who: str, by: str) -> AuditRow:
    """Return the row which says that rows of before a time (epoch milliseconds) are gone."""
    return AuditRow(
        at=at,
        who=who,
        by=by,
        action="audit.purge",
        target="audit",
        detail={"before": text_time(before), "rows": count},
    )


class Audit:
    """The audit of one engine's store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def note(self, who: str, by: str, action: str, target: str, **detail: Any) -> None:
        """Note that somebody changes something; durable with what the engine writes next.

        Args:
            who: the name of who asked.
            by: how that was proved: token, key, session, oidc or signature.
            action: a verb and what it is about, as `run.cancel`.
            target: the id of what is changed.
            detail: JSON; nothing secret.
        """
        conductor = self._engine.conductor
        row = AuditRow(
            at=self._engine.clock.now(),
            who=who,
            by=by,
            action=action,
            target=target,
            detail=detail,
        )
        conductor.committer.batch.audits.append(row)
        conductor.schedule()

    def rows(
        self,
        *,
        before: int | None = None,
        who: str | None = None,
        target: str | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Return what was changed, newest first."""
        return self._engine.records.audits(before=before, who=who, target=target, limit=limit)
