"""The command line as people use it: in a folder with workflows and functions, typing commands.

`cli` calls the program inside the test's process, which is quick; `program` starts it as a process
of its own, for exit codes, signals and what a crash leaves behind.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
from click.testing import CliRunner

from batuta.cli import main

GREETING = """\
document: {dsl: '1.0.3', namespace: demo, name: greeting, version: '1.0.0'}
do:
  - greet:
      call: greet
      with: { name: '${ .name // "world" }' }
      metadata: { participant: desk }
  - shape:
      set: { text: '${ . }' }
"""

FAILING = """\
document: {dsl: '1.0.3', namespace: demo, name: failing, version: '1.0.0'}
do:
  - greet: { call: greet, with: { name: Ada } }
  - break: { call: breaks, with: {} }
"""

LISTENING = """\
document: {dsl: '1.0.3', namespace: demo, name: listening, version: '1.0.0'}
do:
  - book:
      call: greet
      with: { name: Ada }
      metadata: { compensate: { call: greet, with: { name: Bob } } }
  - hear:
      listen: { to: { one: { with: { type: com.acme.go } } } }
  - done: { set: { heard: '${ .[0] }' } }
"""

WRONG = """\
document: {dsl: '1.0.3', namespace: demo, name: wrong, version: '1.0.0'}
do:
  - one:
      sett: { a: 1 }
  - two:
      set: { a: 1 }
      then: nowhere
"""

FUNCTIONS = """\
import batuta
from pathlib import Path


@batuta.function
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@batuta.function
async def breaks() -> str:
    if not Path("mended").exists():
        raise ValueError("broken \\x1b[31m")
    return "mended"
"""


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with workflows and functions, as the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATUTA_KEY", raising=False)
    for name, text in {
        "greeting.yaml": GREETING,
        "failing.yaml": FAILING,
        "listening.yaml": LISTENING,
        "wrong.yaml": WRONG,
        "functions.py": FUNCTIONS,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def cli(folder):
    """Type a command: `cli("run", "greeting.yaml")`."""

    def typed(*words, stdin=None):
        result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
        return Said(result.exit_code, result.stdout, result.stderr)

    return typed


@pytest.fixture
def run(cli):
    """Run a workflow with the folder's functions; give the object of its JSON."""

    def started(name, *words, code=0):
        said = cli("run", f"{name}.yaml", "--functions", "functions.py", "--json", *words)
        assert said.code == code, said.err
        return said.json

    return started


@pytest.fixture
def leave(cli, run):
    """Leave a run that listens, without a process; give its id."""

    def left():
        run_id = run("listening", "--wait", "0", code=4)["id"]
        # Where it stands after no time at all is chance; resuming drives it to where it waits.
        cli("resume")
        return run_id

    return left


@pytest.fixture
def waiting(leave):
    """One run that listens, without a process: its id."""
    return leave()


@pytest.fixture
def start(folder):
    """Start the program as a process; every one that is left is killed."""
    started = []

    def process(*words, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        one = subprocess.Popen(
            [sys.executable, "-m", "batuta", *map(str, words)],
            text=True,
            env=environment,
            cwd=folder,
            **options,
        )
        started.append(one)
        return one

    yield process
    for one in started:
        one.kill()
        one.communicate()


@pytest.fixture
def program(start):
    """Run the program as a process to its end."""

    def ended(*words, stdin=None):
        one = start(*words, stdin=subprocess.PIPE)
        out, err = one.communicate(stdin, timeout=30)
        return Said(one.returncode, out, err)

    return ended


@pytest.fixture
def read_until():
    """Read a process's stream until a line has a text in it: `read_until(one.stderr, "waits")`."""

    def read(stream, text):
        for line in stream:
            if text in line:
                return line
        raise AssertionError(f"the stream ended without {text!r}")

    return read
