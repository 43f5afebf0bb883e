"""Against an engine's client that writes down what it was told; no engine runs here."""

import asyncio
import json
import logging
import os
import re
import sys
import textwrap

import pytest

from batuta.adapters.callers.processes import ContainerCaller, Policy
from batuta.ports.caller import Fault

CLIENT = """\
#!{python} -IS
import json, os, pathlib, signal, sys
home = pathlib.Path({home!r})
words = sys.argv[1:]
said = json.loads((home / "says.json").read_text())
stdin = sys.stdin.read() if "--interactive" in words else None
told = {{"words": words, "stdin": stdin, "environment": dict(os.environ)}}
with open(home / "told.jsonl", "a") as file:
    file.write(json.dumps(told) + "\\n")
answer = said.get(words[0], {{}})
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.stdout.flush()
if "signals" in answer:
    (home / "signal").write_text("yes")
if "hangs" in answer:
    signal.pause()
sys.exit(answer.get("code", 0))
"""


class FakeEngine:
    """A program on the PATH; `says` sets its answers, `told` reads what it was asked."""

    def __init__(self, home, name="docker"):
        self.home = home
        home.mkdir()
        program = home / name
        program.write_text(textwrap.dedent(CLIENT).format(python=sys.executable, home=str(home)))
        program.chmod(0o755)
        self.says(run={"stdout": "hi\n"})

    def says(self, **answers):
        (self.home / "says.json").write_text(json.dumps(answers))

    @property
    def told(self):
        path = self.home / "told.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def words(self, verb):
        return [told["words"] for told in self.told if told["words"][0] == verb]


@pytest.fixture
def engine(tmp_path, monkeypatch):
    made = FakeEngine(tmp_path / "engine")
    monkeypatch.setenv("PATH", str(made.home))
    return made


async def test_an_image_alone_is_run_under_a_conventional_name(perform, engine):
    assert await perform("container", {"image": "hello-world"}) == "hi\n"
    (words,) = engine.words("run")
    name = next(word for word in words if word.startswith("--name="))
    assert re.fullmatch(r"--name=order-[0-9a-f-]{36}\.retail-step", name)
    words.remove(name)
    assert words == [
        "run",
        "--quiet",
        "--pull=missing",
        "--label=batuta-run=run-1",
        "--label=batuta-task=/do/0/step",
        "--label=batuta-key=key-1",
        "hello-world",
    ]


async def test_every_property_becomes_a_word_of_its_own(perform, engine):
    given = {
        "image": "registry.example:5000/team/alpine:3.20",
        "name": "mine",
        "command": 'echo "$1" | cat; echo $(id)',
        "arguments": ["a b", "$(x)"],
        "ports": {"8080": 80, "127.0.0.1:53": "53/udp"},
        "volumes": {"/data": "/in:ro"},
        "environment": {"TOKEN": "<token>", "PATH": "/bin", "LD_PRELOAD": "x.so"},
        "stdin": "input",
        "pullPolicy": "always",
        "lifetime": {"cleanup": "always"},
    }
    await perform("container", given)
    (told,) = [told for told in engine.told if told["words"][0] == "run"]
    assert told["stdin"] == "input"
    words = [word for word in told["words"] if not word.startswith("--label")]
    assert words == [
        "run",
        "--quiet",
        "--name=mine",
        "--pull=always",
        "--rm",
        "--interactive",
        "--publish=8080:80",
        "--publish=127.0.0.1:53:53/udp",
        "--volume=/data:/in:ro",
        "--env=TOKEN",
        "--env=PATH=/bin",
        "--env=LD_PRELOAD=x.so",
        "--entrypoint=/bin/sh",
        "registry.example:5000/team/alpine:3.20",
        "-c",
        'echo "$1" | cat; echo $(id)',
        "sh",
        "a b",
        "$(x)",
    ]
    assert told["environment"]["TOKEN"] == "s3cr3t-value"
    assert told["environment"]["PATH"] == str(engine.home)
    assert "LD_PRELOAD" not in told["environment"]


async def test_arguments_without_a_command_go_to_the_image(perform, engine):
    await perform("container", {"image": "tool", "arguments": ["--version"]})
    assert engine.words("run")[0][-2:] == ["tool", "--version"]


async def test_the_client_sees_its_own_settings_and_none_of_the_servers(
    perform, engine, monkeypatch
):
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    monkeypatch.setenv("OF_THE_SERVER", "private")
    await perform("container", {"image": "tool"})
    environment = engine.told[-1]["environment"]
    assert environment["DOCKER_HOST"] == "unix:///x.sock"
    assert "OF_THE_SERVER" not in environment


@pytest.mark.parametrize(
    ("returns", "result"),
    [("code", 4), ("all", {"code": 4, "stdout": "<token>", "stderr": "bad"})],
)
async def test_the_containers_end_is_a_result_when_codes_were_asked_for(
    perform, engine, returns, result
):
    engine.says(run={"code": 4, "stdout": "s3cr3t-value", "stderr": "bad"})
    assert await perform("container", {"image": "x", "return": returns}) == result


async def test_a_container_that_fails_is_a_fault(perform, engine):
    engine.says(run={"code": 4, "stderr": "bad s3cr3t-value"})
    with pytest.raises(Fault, match="ended with code 4: bad <token>") as fault:
        await perform("container", {"image": "x"})
    assert (fault.value.kind, fault.value.status) == ("runtime", 500)


async def test_a_failure_of_the_engine_is_a_fault_even_when_codes_were_asked_for(perform, engine):
    engine.says(run={"code": 125, "stderr": "docker: Error response from daemon: no such image\n"})
    with pytest.raises(Fault, match="the container engine ended with code 125"):
        await perform("container", {"image": "x", "return": "code"})
    engine.says(run={"code": 125, "stderr": "the program's own words"})
    assert await perform("container", {"image": "x", "return": "code"}) == 125


async def test_the_engine_is_asked_once_whether_it_answers(make_call, secrets, engine):
    caller = ContainerCaller(secrets)
    for _ in range(2):
        await caller(make_call("container", {"image": "x"}))
    assert len(engine.words("version")) == 1
    caller.close()


async def test_without_an_engine_the_fault_says_so(perform, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Fault, match="neither docker nor podman") as fault:
        await perform("container", {"image": "x"})
    assert (fault.value.kind, fault.value.status) == ("configuration", 400)


async def test_an_engine_that_does_not_answer_is_told_with_its_reason(perform, engine):
    engine.says(version={"code": 1, "stderr": "Client: 28\nCannot connect to the daemon\n"})
    with pytest.raises(Fault, match="Cannot connect to the daemon") as fault:
        await perform("container", {"image": "x"})
    assert fault.value.kind == "configuration"


async def test_podman_is_used_when_docker_does_not_answer(perform, engine, tmp_path, monkeypatch):
    engine.says(version={"code": 1})
    podman = FakeEngine(tmp_path / "podman", "podman")
    monkeypatch.setenv("PATH", os.pathsep.join([str(engine.home), str(podman.home)]))
    assert await perform("container", {"image": "x"}) == "hi\n"
    assert len(podman.words("run")) == 1


@pytest.mark.parametrize(
    ("lifetime", "verb"),
    [
        (None, ["kill"]),
        ({"cleanup": "never"}, ["kill"]),
        ({"cleanup": "always"}, ["rm", "--force"]),
    ],
)
async def test_a_cancelled_container_is_ended_by_its_name(
    make_call, make_signal, secrets, engine, lifetime, verb
):
    hanging = make_signal(engine.home / "signal")
    engine.says(run={"signals": True, "hangs": True})
    caller = ContainerCaller(secrets)
    given = {"image": "x", "name": "mine", "lifetime": lifetime}
    task = asyncio.ensure_future(caller(make_call("container", given)))
    await hanging.received()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.told[-1]["words"] == [*verb, "mine"]
    caller.close()


async def test_a_container_is_removed_after_its_lifetime(make_call, make_signal, secrets, engine):
    removed = make_signal(engine.home / "signal")
    engine.says(rm={"signals": True})
    caller = ContainerCaller(secrets)
    given = {"image": "x", "name": "mine", "lifetime": {"cleanup": "eventually", "after": "PT0S"}}
    await caller(make_call("container", given))
    await removed.received()
    await asyncio.gather(*caller._tasks)
    assert engine.words("rm") == [["rm", "--force", "mine"]]
    caller.close()


async def test_closing_names_the_containers_that_are_left(make_call, secrets, engine, caplog):
    caller = ContainerCaller(secrets)
    after = {"minutes": 30}
    given = {"image": "x", "name": "mine", "lifetime": {"cleanup": "eventually", "after": after}}
    await caller(make_call("container", given))
    with caplog.at_level(logging.WARNING, "batuta.processes"):
        caller.close()
    assert "mine" in caplog.text
    assert engine.words("rm") == []


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"image": None}, "`image` is missing"),
        ({"image": "--privileged"}, "names no image"),
        ({"name": "-x"}, "`name` is"),
        ({"pullPolicy": "sometimes"}, "`pullPolicy` is"),
        ({"ports": {"80": "--x"}}, "two ports"),
        ({"ports": [80]}, "an object was expected"),
        ({"volumes": {"a:b": "/x"}}, "`volumes` maps"),
        ({"volumes": {"/a": "x"}}, "`volumes` maps"),
        ({"lifetime": {"cleanup": "soon"}}, "`lifetime.cleanup`"),
        ({"lifetime": "soon"}, "`lifetime.cleanup`"),
        ({"lifetime": {"cleanup": "eventually"}}, "`lifetime.after`"),
        ({"lifetime": {"cleanup": "eventually", "after": {"moons": 1}}}, "`lifetime.after`"),
    ],
)
async def test_a_property_that_cannot_be_used_is_named(perform, engine, more, part):
    with pytest.raises(Fault) as fault:
        await perform("container", {"image": "x", **more})
    assert (fault.value.kind, fault.value.status) == ("validation", 400)
    assert part in fault.value.detail
    assert engine.told == []


async def test_a_server_may_forbid_containers(perform, engine):
    with pytest.raises(Fault) as fault:
        await perform("container", {"image": "x"}, policy=Policy(container=False))
    assert (fault.value.kind, fault.value.status) == ("authorization", 403)
