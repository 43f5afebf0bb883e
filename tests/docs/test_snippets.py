"""What the README and the guide show is true: their snippets are checked, and run."""

import json
import shlex
import shutil
import tomllib

import httpx2
import msgspec
import pytest
from page_snippets import ROOT, snippets

import batuta
from batuta.testing.clock import VirtualClock

PAGES = [
    "README.md",
    *(f"docs/{n}.md" for n in ("guide", "participants", "redaction", "telemetry", "watching")),
]
YAML = [one for page in PAGES for one in snippets(page, "yaml")]
GUIDE = [one for one in YAML if one.page == "docs/guide.md"]
NEEDS_MORE_THAN_PIP = "container:"
EVENTS = {
    "com.example.payment.received": [{"order": "o-7", "cents": 1999}],
    "com.example.part.arrived": [{"part": 1}, {"part": 2}],
}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Stock", "version": "1"},
    "paths": {
        "/items/{sku}": {
            "get": {
                "operationId": "getItem",
                "parameters": [
                    {"name": "sku", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {"200": {"description": "an item"}},
            }
        }
    },
}


def stock(request):
    """Answer as the stock system of the guide."""
    if request.url.path == "/openapi.json":
        return httpx2.Response(200, json=DESCRIPTION)
    return httpx2.Response(200, json={"sku": request.url.path.rpartition("/")[2], "known": True})


@pytest.fixture
def given():
    """The input that the guide says its snippets run on."""
    (text,) = snippets("docs/guide.md", "json")
    return json.loads(text.text)


@pytest.fixture
def clock():
    return VirtualClock("2026-01-01T00:00:00Z")


@pytest.fixture
async def engine(guide_folder, clock):
    """An engine with the guide's functions, a stock system and its token, and its workflows."""
    opened = batuta.open(
        "sqlite:///guide.db",
        functions=["functions.py"],
        secrets={"stockToken": "t0ken-t0ken"},
        transport=httpx2.MockTransport(stock),
        clock=clock,
    )
    async with opened as engine:
        for whole in GUIDE:
            if whole.text.startswith("document:"):
                await engine.deploy(whole.text)
        yield engine


@pytest.mark.parametrize("snippet", YAML, ids=str)
def test_a_workflow_that_is_shown_has_no_problem(snippet):
    report = batuta.check(snippet.workflow)

    assert [problem.render() for problem in report.problems] == []


@pytest.mark.parametrize(
    "snippet", [one for one in GUIDE if NEEDS_MORE_THAN_PIP not in one.text], ids=str
)
async def test_a_workflow_of_the_guide_completes(snippet, engine, clock, given):
    run = await engine.start(await engine.deploy(snippet.workflow), given)
    for event_type, found in EVENTS.items():
        for data in found:
            await engine.publish(event_type, data)
    await clock.advance(hours=1)
    view = await run.result(wait=10)

    assert (view.status, view.error) == ("completed", None), run.tasks()


@pytest.mark.parametrize(
    "snippet", [one for page in PAGES for one in snippets(page, "python")], ids=str
)
def test_python_that_is_shown_compiles(snippet):
    compile(snippet.text, str(snippet), "exec")


@pytest.mark.parametrize(
    "snippet",
    [one for page in PAGES for one in snippets(page, "python") if "asyncio.run" in one.text],
    ids=str,
)
def test_a_program_that_is_shown_runs(snippet, guide_folder, capsys):
    guide_folder.joinpath("examples").symlink_to(ROOT / "examples")
    exec(compile(snippet.text, str(snippet), "exec"), {"__name__": "__main__"})

    assert "shipped" in capsys.readouterr().out


def test_the_settings_that_are_shown_are_all_and_their_defaults():
    (shown,) = snippets("docs/guide.md", "toml")
    written = tomllib.loads(shown.text)
    defaults = {
        name: value
        for name, value in msgspec.to_builtins(batuta.Settings()).items()
        if not isinstance(value, dict) or not value
    }

    unset = {name: None for name, value in defaults.items() if value is None}
    assert set(written) == set(defaults) - set(unset)
    assert all(f"# {name} = " in shown.text for name in unset)
    assert {**written, **unset} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()
    }


def test_every_table_of_settings_is_shown_whole_on_a_page():
    pages = [str(path.relative_to(ROOT)) for path in ROOT.glob("docs/*.md")]
    shown = {}
    for snippet in (one for page in pages for one in snippets(page, "toml")):
        written = tomllib.loads(snippet.text)
        msgspec.convert(written, batuta.Settings)
        for name, value in written.items():
            if isinstance(value, dict):
                shown.setdefault(name, set()).update(value)
    tables = {
        name: set(value)
        for name, value in msgspec.to_builtins(batuta.Settings()).items()
        if isinstance(value, dict) and value
    }
    assert {name: shown.get(name) for name in tables} == tables


@pytest.mark.parametrize(
    "snippet",
    [
        one
        for page in [*PAGES, *(str(p.relative_to(ROOT)) for p in ROOT.glob("examples/*/README.md"))]
        for one in snippets(page, "sh")
    ],
    ids=str,
)
def test_a_shell_line_starts_a_program_that_is_there(snippet):
    whole = snippet.text.replace("\\\n", "")
    lines = [shlex.split(line, comments=True) for line in whole.splitlines()]
    programs = {words[0].removeprefix(".venv/bin/") for words in lines if words}

    # What is ours is installed beside the Python that runs this; the rest is the shell's. What curl
    # would send is sent by `test_operating`, so that nobody needs it for the tests.
    known = {"batuta", ".", "cd", "curl"}
    assert [one for one in programs - known if shutil.which(one) is None] == []
