"""Everything that can be wrong from outside, through the public API.

Each case says which error or fault it has to be; and each time a run beside it goes on undisturbed.
"""

import asyncio
import socket
import sqlite3
from contextlib import asynccontextmanager

import httpx2
import pytest

import batuta
from batuta.adapters.stores.sqlite import connection

HEAD = "document: { dsl: '1.0.3', namespace: t, name: %s, version: '1.0.0' }\n"
BESIDE = (
    HEAD % "beside" + "do:\n- a: { wait: { milliseconds: 50 } }\n- b: { set: { well: true } }\n"
)
GET = "- a: { call: http, with: { method: get, endpoint: '%s' } %s }"
TIMEOUT = ", timeout: { after: { milliseconds: 200 } }"


async def answer(request):
    """Be the system that is called, in all of its bad days."""
    path = request.url.path
    if path == "/500":
        return httpx2.Response(500, json={"message": "out of order"})
    if path == "/invalid":
        return httpx2.Response(200, content=b'{"a": ', headers={"content-type": "application/json"})
    if path == "/large":
        return httpx2.Response(200, json={"text": "x" * 10_000_000})
    if path == "/slow":
        await asyncio.Event().wait()
    if path == "/endless":
        return httpx2.Response(302, headers={"location": "http://system.test/endless"})
    raise httpx2.ConnectError("no such host")


@pytest.fixture
async def engine(tmp_path):
    transport = httpx2.MockTransport(answer)
    async with batuta.open(f"sqlite:///{tmp_path / 'runs.db'}", transport=transport) as engine:
        yield engine


@asynccontextmanager
async def undisturbed(engine):
    """Run another run beside the block."""
    await engine.deploy(BESIDE)
    beside = await engine.start("t/beside")
    yield
    assert (await beside.result(10)).output == {"well": True}


async def outcome(engine, do, data=None):
    """Return how a run of these tasks ends."""
    await engine.deploy(HEAD % "w" + f"do:\n{do}\n")
    return await (await engine.start("t/w", data)).result(15)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("do: [\n", "yaml-syntax"),
        ("- just\n- a list\n", ""),
        (HEAD % "w" + "do:\n- a: { sett: { b: 1 } }\n", ""),
        (HEAD % "w" + "do:\n- a: { set: { b: '${ .x | }' } }\n", ""),
        (HEAD % "w" + "do:\n- a: { set: { b: 1 }, then: nowhere }\n", ""),
        (HEAD % "w" + "do:\n- a: { set: { b: 1 } }\n" + "x" * 100 + "\0\n", ""),
    ],
    ids=["yaml", "list", "unknown", "expression", "nowhere", "nul"],
)
async def test_a_malformed_document_is_refused_with_its_place(engine, text, code):
    async with undisturbed(engine):
        with pytest.raises(batuta.DefinitionError) as caught:
            await engine.deploy(text)
    assert caught.value.problems
    assert code in str(caught.value)
    assert engine.workflows() == ["t/beside:1.0.0"]


async def test_a_document_that_is_not_there_is_not_found(engine, tmp_path):
    with pytest.raises(batuta.NotFoundError, match="cannot be read"):
        await engine.deploy(tmp_path / "none.yaml")
    with pytest.raises(batuta.NotFoundError):
        await engine.start("t/none")
    with pytest.raises(batuta.RequestError):
        await engine.start("none")


async def test_an_unknown_function_is_refused_before_it_runs(tmp_path):
    @batuta.function
    async def reserve():
        return 1

    async with batuta.open(f"sqlite:///{tmp_path / 'runs.db'}", functions=[reserve]) as engine:
        with pytest.raises(batuta.DefinitionError, match="resreve") as caught:
            await engine.deploy(HEAD % "w" + "do:\n- a: { call: resreve }\n")
        assert "reserve" in str(caught.value)


async def test_a_function_that_is_gone_when_its_turn_comes_is_a_fault(tmp_path):
    @batuta.function
    async def reserve():
        return 1

    store = f"sqlite:///{tmp_path / 'runs.db'}"
    async with batuta.open(store, functions=[reserve]) as engine:
        await engine.deploy(HEAD % "w" + "do:\n- a: { call: reserve }\n")
    async with batuta.open(store) as engine, undisturbed(engine):
        view = await (await engine.start("t/w")).result(5)
        assert view.status == "faulted"
        assert view.error["type"].endswith("/configuration")


@pytest.mark.parametrize(
    ("uri", "more", "kind", "status"),
    [
        ("http://dead.test/", "", "communication", 500),
        ("http://system.test/500", "", "communication", 500),
        ("http://system.test/slow", TIMEOUT, "timeout", 408),
        ("http://system.test/invalid", "", "communication", 500),
        ("http://system.test/endless", "", "communication", None),
    ],
    ids=["dead", "500", "slow", "invalid", "endless"],
)
async def test_a_system_on_a_bad_day_is_a_fault_of_its_kind(engine, uri, more, kind, status):
    async with undisturbed(engine):
        view = await outcome(engine, GET % (uri, more))
    assert view.status == "faulted"
    assert view.error["type"].endswith(f"/{kind}")
    assert status is None or view.error["status"] == status
    assert view.error["instance"] == "/do/0/a"


async def test_a_closed_port_is_a_communication_fault(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    async with batuta.open(f"sqlite:///{tmp_path / 'runs.db'}") as engine:
        view = await outcome(engine, GET % (f"http://127.0.0.1:{port}/", ""))
    assert view.error["type"].endswith("/communication")


async def test_a_large_answer_is_taken_or_refused_by_a_limit_and_never_breaks(engine):
    async with undisturbed(engine):
        view = await outcome(
            engine, GET % ("http://system.test/large", "") + "\n- b: { set: '${ .text | length }' }"
        )
    assert (view.status, view.output) in {("completed", 10_000_000), ("faulted", None)}
    assert view.problem is None


@pytest.mark.parametrize(
    "expression",
    ["[repeat(1)] | length", "def f: f; f", "[limit(100000000; repeat(1))] | add"],
)
async def test_an_expression_that_never_ends_is_a_fault(engine, expression):
    async with undisturbed(engine):
        view = await outcome(engine, "- a: { set: { b: '${ " + expression + " }' } }")
    assert view.status == "faulted"
    assert view.error["type"].endswith("/expression")


@pytest.mark.parametrize("expression", ["env", "$ENV", "env.HOME", "$ENV.PATH", "input_filename"])
async def test_an_expression_sees_nothing_of_the_host(engine, expression, monkeypatch):
    monkeypatch.setenv("OUR_SECRET", "hunter2")
    do = "- a: { set: { b: '${ " + expression + " }' } }"
    try:
        view = await outcome(engine, do)
    except batuta.DefinitionError:
        return
    assert "hunter2" not in repr(view)
    assert view.status == "faulted" or view.output["b"] in ({}, None)


async def test_a_store_that_is_no_database_or_of_another_kind_is_refused(tmp_path):
    (tmp_path / "notes.db").write_text("dear diary\n" * 1_000)
    with pytest.raises(batuta.CorruptError):
        async with batuta.open(f"sqlite:///{tmp_path / 'notes.db'}"):
            pass
    with pytest.raises(batuta.RequestError, match="no store that"):
        async with batuta.open("oracle://scott:tiger@db"):
            pass
    with pytest.raises(batuta.UnavailableError):
        async with batuta.open(f"sqlite:///{tmp_path / 'notes.db' / 'runs.db'}"):
            pass


async def test_a_store_locked_by_another_program_is_waited_for(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_MS", 50)
    engine.store._writer.execute("PRAGMA busy_timeout = 50")
    await engine.deploy(BESIDE)
    holder = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    starting = asyncio.create_task(engine.start("t/beside"))
    with pytest.raises(batuta.UnavailableError, match="locked"):
        async with batuta.open(f"sqlite:///{tmp_path / 'runs.db'}"):
            pass
    assert not starting.done()
    holder.close()
    assert (await (await starting).result(10)).output == {"well": True}


async def test_a_full_disk_is_waited_for(engine):
    await engine.deploy(HEAD % "keep" + "do:\n- a: { set: { n: '${ .text | length }' } }\n")
    writer = engine.store._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    starting = asyncio.create_task(engine.start("t/keep", {"text": "x" * 100_000}))
    async with asyncio.timeout(10):
        while engine.conductor.committer.trouble is None:  # noqa: ASYNC110 -- it has no event
            await asyncio.sleep(0)
    assert "no room left" in str(engine.conductor.committer.trouble)
    assert not starting.done()
    writer.execute("PRAGMA max_page_count = 1000000")
    assert (await (await starting).result(10)).output == {"n": 100_000}


async def test_a_second_engine_on_the_same_store_disturbs_nobody(engine, tmp_path):
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    async with undisturbed(engine), batuta.open(store, resume=True) as second:
        mine = await second.start("t/beside")
        assert (await mine.result(5)).output == {"well": True}
        assert (await engine.run(mine.id).result(5)).output == {"well": True}
    assert len(engine.runs()) == 2
