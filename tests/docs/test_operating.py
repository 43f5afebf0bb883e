"""What operators are shown is true: the requests are sent, the copies are opened."""

import json
import re
import shlex
from string import Template

import click
import httpx2
import pytest
from click.testing import CliRunner
from page_snippets import ROOT, snippets

import batuta
from batuta.cli import main
from batuta.server.serving import serving
from batuta.wiring.settings import Hook
from batuta.wiring.surroundings import surroundings

PAGE = "docs/operating.md"
LISTENING = """\
document: { dsl: '1.0.3', namespace: retail, name: listening, version: '1.0.0' }
do:
  - hear: { listen: { to: { one: { with: { type: com.example.never } } } } }
"""
HELLO = (ROOT / "examples/hello/order.yaml").read_text("utf-8")
ORDER = {"sku": "A1", "quantity": 2, "cents": 1999}


def typed():
    """The requests of the pages: their lines that begin with curl, each on one line."""
    blocks = [
        one.text
        for page in (PAGE, "README.md", "docs/redaction.md")
        for one in snippets(page, "sh")
    ]
    text = "\n".join(blocks).replace("\\\n", "").replace("http://127.0.0.1:8765/api/v1", "$BATUTA")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("curl ")]


def request_of(words):
    """What curl would send: method, address, headers, body."""
    options = {"": [], "-H": [], "-d": [], "-X": [], "--data-binary": []}
    rest = iter(words[1:])
    for word in rest:
        options[word if word in options else ""].append(next(rest) if word in options else word)
    (address,) = options[""]
    body = next(iter(options["-d"] + options["--data-binary"]), None)
    method = next(iter(options["-X"]), "GET" if body is None else "POST")
    return method, address, dict(one.split(": ", 1) for one in options["-H"]), body


@pytest.fixture
async def served(guide_folder, monkeypatch):
    """A server over the guide's folder, as `batuta up` serves one."""
    monkeypatch.setenv("BATUTA_SECRET_SHOPSECRET", "s3cret")
    hook = Hook(secret="shopSecret", type="com.example.payment.received")
    settings = batuta.Settings(hooks={"shop": hook})
    together = next(one for one in snippets("docs/guide.md", "yaml") if "together" in one.text)
    async with batuta.open(functions=["functions.py"], settings=settings) as engine:
        for text in ("order.yaml", together.text, LISTENING, HELLO):
            await engine.deploy(text)
        with surroundings(settings) as around:
            async with serving(engine, around, port=0) as at, httpx2.AsyncClient() as http:
                yield engine, f"{at.address}/api/v1", http


async def test_every_request_that_is_shown_is_answered(served, guide_folder):
    engine, address, http = served
    waiting = await engine.start("retail/listening", {})
    faulted = await engine.start("retail/together", {**ORDER, "cents": -1})
    assert (await faulted.result(wait=10)).status == "faulted"
    token = (guide_folder / ".batuta/token").read_text().strip()
    known = {
        "BATUTA": address,
        "TOKEN": token,
        "AUTH": f"Authorization: Bearer {token}",
        "JSON": "Content-Type: application/json",
        "RUN": faulted.id,
        "FAULTED": faulted.id,
        "WAITING": waiting.id,
    }
    answers = []
    for words in typed():
        method, url, headers, body = request_of([Template(one).substitute(known) for one in words])
        if body is not None and body.startswith("@"):
            body = (guide_folder / body[1:]).read_text()
        answer = await http.request(method, url, headers=headers, content=body)
        answers.append(answer)
        assert answer.status_code < 400, (words, answer.text)
        if answer.status_code == 201:
            assert (await engine.result(answer.json()["id"], 10)).status == "completed"

    assert len(answers) > 15
    assert {one.status_code for one in answers} == {200, 201, 202}
    assert waiting.show().status == "cancelled"


async def test_a_webhook_that_is_signed_as_shown_is_taken(served):
    _, address, http = served
    (shown,) = [one for one in snippets(PAGE, "python") if "def signed" in one.text]
    program = {}
    exec(compile(shown.text, str(shown), "exec"), program)
    body = json.dumps({"order": "o-7"}).encode()

    taken = await http.post(
        f"{address}/hooks/shop", content=body, headers=program["signed"]("s3cret", "d-1", body)
    )
    refused = await http.post(
        f"{address}/hooks/shop", content=body, headers=program["signed"]("guessed", "d-2", body)
    )

    assert (taken.status_code, refused.status_code) == (202, 401)


async def test_a_copy_that_is_made_as_shown_has_the_runs(served, guide_folder):
    engine, _, _ = served
    run = await engine.start("retail/order", ORDER)
    await run.result(wait=10)
    (shown,) = [one for one in snippets(PAGE, "python") if ".backup(" in one.text]
    exec(compile(shown.text, str(shown), "exec"), {})

    async with batuta.open("sqlite:///backup.db", functions=["functions.py"], looks=True) as copy:
        assert copy.show(run.id).output == run.show().output


def test_keys_are_made_and_revoked_as_shown(guide_folder):
    text = "\n".join(one.text for one in snippets(PAGE, "sh"))
    add, list_, revoke = (
        shlex.split(line, comments=True)[1:]
        for line in text.splitlines()
        if line.startswith("batuta keys")
    )
    made = CliRunner().invoke(main, [*add, "--json"])
    key = json.loads(made.stdout)["id"]
    revoked = CliRunner().invoke(main, [key if word == "ID" else word for word in revoke])
    listed = CliRunner().invoke(main, list_)

    assert (made.exit_code, revoked.exit_code, listed.exit_code) == (0, 0, 0), revoked.output
    assert f"{key}  operator  retail" in listed.stdout
    assert "revoked" in listed.stdout


def test_every_command_of_the_page_is_one():
    text = (ROOT / PAGE).read_text("utf-8")
    named = set(re.findall(r"`batuta ([a-z]+)(?: ([a-z]+))?", text))

    assert len(named) > 5
    for command, sub in named:
        found = main.get_command(None, command)
        assert found is not None, command
        if isinstance(found, click.Group):
            assert found.get_command(None, sub) is not None, (command, sub)
