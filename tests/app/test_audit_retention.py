"""The audit outlasts the runs, is forgotten after a time of its own, and says so."""

import batuta
from batuta.ports.records import AuditRow
from batuta.ports.store import Batch

DAY_MS = 86_400_000


def note(engine, days_ago):
    batch = Batch()
    at = engine.clock.now() - days_ago * DAY_MS
    batch.audits.append(
        AuditRow(at=at, who="ada", by="token", action="run.cancel", target=str(days_ago))
    )
    engine.store.commit(batch)


async def left(tmp_path, days):
    settings = batuta.Settings(store=f"sqlite:///{tmp_path}/b.db", audit_days=days)
    async with batuta.open(settings=settings) as engine:
        for one in (500, 300, 2):
            note(engine, one)
        await engine.serving.look_after()
        await engine.conductor.durable()
        return engine.records.audits()


async def test_what_is_old_is_forgotten_and_that_is_noted(tmp_path):
    newest, *rest = await left(tmp_path, 299)

    assert [one.target for one in rest] == ["2"]
    assert [newest.action, newest.who, newest.detail["rows"]] == ["audit.purge", "batuta", 2]


async def test_it_may_be_kept_for_ever(tmp_path):
    assert [one.target for one in await left(tmp_path, 0)] == ["2", "300", "500"]
