"""One version, another text: who may replace it, and what became of the runs of the old one."""

import asyncio
import json
import sqlite3

import msgspec
import pytest
from click.testing import CliRunner

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.adapters.stores.sqlite.queries import migrations
from batuta.app.deploying import text_of
from batuta.cli import main
from batuta.errors import ConflictError, NotFoundError
from batuta.runtime.shared.programs import decode_deployed, encode_deployed

OLD = "{set: {text: old}}"
NEW = ("{set: {text: new}}", "{set: '${ . }'}")
HEARING = "{listen: {to: {one: {with: {type: go}}}}}"
FAULTING = "{raise: {error: {type: 'https://t.example/no', status: 500}}}"


async def test_a_version_has_one_text_unless_it_is_asked_otherwise(opened, workflow):
    async with opened() as engine:
        await engine.deploy(workflow(OLD))
        await engine.deploy(workflow(OLD), replace=True)
        with pytest.raises(ConflictError) as refused:
            await engine.deploy(workflow(*NEW))
        assert "document.version" in refused.value.hint
        assert (await (await engine.start("t/w")).result(10)).output == {"text": "old"}


async def test_a_text_that_nothing_uses_is_replaced(opened, workflow, result):
    async with opened() as engine:
        old = await result(engine, workflow(OLD))
        await engine.deploy(workflow(*NEW), replace=True)
        new = await (await engine.start("t/w:1.0.0")).result(10)
        assert (old.output, new.output) == ({"text": "old"}, {"text": "new"})


async def test_a_run_that_ended_still_shows_the_text_that_it_ran(opened, workflow, result):
    async with opened() as engine:
        old = await result(engine, workflow(OLD))
        await engine.deploy(workflow(*NEW), replace=True)
        new = await (await engine.start("t/w")).result(10)
        assert len(engine.tasks(old.id)) == 1
        assert len(engine.tasks(new.id)) == 2
    async with opened() as engine:
        assert [task.output for task in engine.tasks(old.id)] == [{"text": "old"}]
        assert len(engine.tasks(new.id)) == 2


async def test_a_text_that_a_run_uses_is_not_replaced(opened, workflow):
    async with opened() as engine:
        run = await engine.start(await engine.deploy(workflow(HEARING)))
        with pytest.raises(ConflictError, match="has not ended") as refused:
            await engine.deploy(workflow(*NEW), replace=True)
        assert run.id in refused.value.message
        await engine.deploy(workflow(*NEW, version="1.0.1"), replace=True)
        await engine.publish("go", 1)
        assert (await run.result(10)).output == [1]
        await engine.deploy(workflow(*NEW), replace=True)


async def test_a_text_whose_schedule_listens_is_not_replaced(opened, workflow):
    async with opened() as engine:
        await engine.deploy(workflow(OLD, schedule="{on: {one: {with: {type: go}}}}"))
        serving = asyncio.create_task(engine.serve())
        await asyncio.sleep(0)
        await engine.settled()
        with pytest.raises(ConflictError, match="has not ended"):
            await engine.deploy(workflow(*NEW), replace=True)
        serving.cancel()
        await asyncio.wait([serving])


async def test_a_run_that_is_retried_goes_on_with_the_text_that_it_ran(opened, workflow, result):
    @batuta.function
    async def count() -> dict:
        return {"n": 1}

    async with opened(count) as engine:
        old = await result(engine, workflow("{call: count}", FAULTING))
        await engine.deploy(workflow(*NEW), replace=True)
        again = await engine.retry(old.id)
        assert (await again.result(10)).status == "faulted"
        assert engine.store.run(again.id).digest == engine.store.run(old.id).digest
        assert [task.output for task in again.tasks()][:1] == [{"n": 1}]
        fresh = await engine.retry(old.id, from_start=True)
        assert (await fresh.result(10)).output == {"text": "new"}


async def test_another_process_starts_the_new_text(opened, workflow, result):
    async with opened() as one, opened() as other:
        assert (await result(one, workflow(OLD))).output == {"text": "old"}
        await other.deploy(workflow(*NEW), replace=True)
        await one.settled()
        assert (await (await one.start("t/w:1.0.0")).result(10)).output == {"text": "new"}


async def test_a_changed_function_makes_another_content(opened, web, workflow, result):
    use = "{catalogs: {one: {endpoint: 'https://one.example'}}}"
    text = workflow("{call: 'f:1.0.0@one'}", use=use)
    web.function("f:1.0.0", "set: {n: 1}")
    async with opened() as engine:
        first = await result(engine, text)
        web.function("f:1.0.0", "set: {n: 2}")
        assert (await result(engine, text)).output == {"n": 1}
        await engine.deploy(text, replace=True)
        assert (await (await engine.start("t/w")).result(10)).output == {"n": 2}
        assert [task.output for task in engine.tasks(first.id)] == [{"n": 1}, {"n": 1}]


async def test_texts_that_nobody_needs_any_more_are_forgotten(opened, workflow, result):
    async with opened() as engine:
        old = await result(engine, workflow(OLD))
        digest = engine.store.run(old.id).digest
        await engine.deploy(workflow(*NEW), replace=True)
        engine.purge(-1)
        assert engine.store.document(digest) is None
        with pytest.raises(NotFoundError):
            engine.tasks(old.id)
        assert (await (await engine.start("t/w")).result(10)).output == {"text": "new"}


def test_an_edited_file_just_runs(tmp_path, workflow):
    file = tmp_path / "w.yaml"
    outputs = []
    for tasks in ((OLD,), NEW, (OLD,)):
        file.write_text(workflow(*tasks))
        said = CliRunner().invoke(main, ["run", str(file), "--store", f"sqlite:///{tmp_path}/s.db"])
        assert said.exit_code == 0, said.output
        outputs.append("new" if "new" in said.output else "old")
    assert outputs == ["old", "new", "old"]


def test_runs_from_before_texts_were_kept_by_digest_get_theirs(tmp_path):
    path = tmp_path / "store.db"
    db = sqlite3.connect(path)
    for number, script in migrations():
        if number < 4:
            db.executescript(script)
    db.execute("PRAGMA user_version = 3")
    db.execute("INSERT INTO workflows VALUES ('t/w:1.0.0', 'd', x'7b7d', 1)")
    columns = "(id, workflow, control, status, started_at, first_event)"
    for run, identity in (("r1", "t/w:1.0.0"), ("r2", "t/w:1.0.0#on"), ("r3", "t/gone:1.0.0")):
        values = (run, identity, "orchestrated", "waiting", 1, 0)
        db.execute(f"INSERT INTO runs {columns} VALUES (?, ?, ?, ?, ?, ?)", values)
    db.commit()
    db.close()

    store = SqliteStore(path)

    assert [store.run(run).digest for run in ("r1", "r2", "r3")] == ["d", "d", None]
    assert store.document("d") == store.workflow("t/w:1.0.0") == b"{}"
    store.close()


async def test_a_workflow_is_kept_as_it_was_written(opened, tmp_path):
    head = "document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }"
    written = f"# Why there are lines between.\n{head}\n\ndo: [ a: {OLD} ]\n"
    path = tmp_path / "w.yaml"
    path.write_text(written, "utf-8")
    async with opened() as engine:
        identity = await engine.deploy(path)
        kept = engine.store.workflow(identity)
        assert text_of(kept) == written

        without = msgspec.structs.replace(decode_deployed(kept), text="")
        assert json.loads(text_of(encode_deployed(without)))["do"] == [
            {"a": {"set": {"text": "old"}}}
        ]
