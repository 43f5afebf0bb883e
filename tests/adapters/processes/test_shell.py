"""Shell commands, run by the real /bin/sh: what goes in, what comes out, what is refused."""

from pathlib import Path

import pytest

from batuta.adapters.callers.processes import Policy, ShellCaller
from batuta.ports.caller import Fault


def is_there(path: str) -> bool:
    return Path(path).exists()


async def test_standard_output_is_the_result_as_it_was_written(perform):
    assert await perform("shell", {"command": "echo hello"}) == "hello\n"
    assert await perform("shell", {"command": "echo '{\"a\": 1}'"}) == '{"a": 1}\n'


@pytest.mark.parametrize(
    ("returns", "result"),
    [
        ("stdout", "out\n"),
        ("stderr", "err\n"),
        ("code", 0),
        ("all", {"code": 0, "stdout": "out\n", "stderr": "err\n"}),
        ("none", None),
        (None, "out\n"),
    ],
)
async def test_return_picks_the_result(perform, returns, result):
    given = {"command": "echo out; echo err >&2", "return": returns}
    assert await perform("shell", given) == result


@pytest.mark.parametrize(
    ("returns", "result"),
    [("code", 3), ("all", {"code": 3, "stdout": "", "stderr": "bad\n"})],
)
async def test_a_failure_is_a_result_when_codes_were_asked_for(perform, returns, result):
    given = {"command": "echo bad >&2; exit 3", "return": returns}
    assert await perform("shell", given) == result


@pytest.mark.parametrize("returns", ["stdout", "stderr", "none"])
async def test_a_failure_is_a_fault_with_its_code_and_the_end_of_its_complaint(perform, returns):
    command = "echo begin >&2; head -c 4000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3"
    with pytest.raises(Fault) as fault:
        await perform("shell", {"command": command, "return": returns})
    assert (fault.value.kind, fault.value.status) == ("runtime", 500)
    assert "ended with code 3: ...xxx" in fault.value.detail
    assert fault.value.detail.endswith("the end")
    assert len(fault.value.detail) < 2200


async def test_a_process_ended_by_a_signal_has_the_code_of_a_shell(perform):
    assert await perform("shell", {"command": "kill -9 $$", "return": "code"}) == 137


async def test_arguments_are_positional_parameters_and_never_read_as_commands(perform):
    given = {
        "command": 'printf "%s|" "$0" "$@"',
        "arguments": ["a b", "$(touch x)", "; ls", "", 3, True, None, {"k": [1]}],
    }
    assert await perform("shell", given) == 'sh|a b|$(touch x)|; ls||3|true|null|{"k":[1]}|'


async def test_standard_input_is_given_or_empty(perform):
    assert await perform("shell", {"command": "cat", "stdin": "größe\n"}) == "größe\n"
    assert await perform("shell", {"command": "cat", "stdin": {"a": 1}}) == '{"a":1}'
    assert await perform("shell", {"command": "cat", "stdin": None}) == ""
    assert await perform("shell", {"command": "cat"}) == ""


async def test_more_input_than_a_pipe_holds_is_read_or_ignored(perform):
    big = "x" * 3_000_000
    assert await perform("shell", {"command": "wc -c", "stdin": big}) == "3000000\n"
    assert await perform("shell", {"command": "true", "stdin": big}) == ""


async def test_the_environment_is_clean_and_holds_what_was_declared(perform, monkeypatch):
    monkeypatch.setenv("OF_THE_SERVER", "private")
    given = {
        "command": "env",
        "environment": {"NAME": "two\nlines", "N": 3, "GONE": None, "LANG": "de_DE.UTF-8"},
    }
    lines = (await perform("shell", given)).splitlines()
    names = {line.partition("=")[0] for line in lines if "=" in line}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "NAME",
        "N",
    }
    assert "N=3" in lines
    assert "LANG=de_DE.UTF-8" in lines
    assert "lines" in lines


async def test_every_command_has_a_fresh_folder_that_is_gone_afterwards(perform):
    given = {"command": 'echo x > file; pwd; [ "$HOME" = "$PWD" ]; echo $?; ls'}
    folder, same, *files = (await perform("shell", given)).split()
    assert (same, files) == ("0", ["file"])
    assert not is_there(folder)
    assert (await perform("shell", given)).split()[0] != folder


async def test_output_that_is_not_utf8_is_still_text(perform):
    assert await perform("shell", {"command": "printf 'a\\377b'"}) == "a\ufffdb"


async def test_secrets_are_revealed_to_the_command_and_removed_from_what_it_says(perform):
    given = {
        "command": '[ "$T" = s3cr3t-value ] && echo "$T" "$1" && echo "$T" >&2; exit 0',
        "environment": {"T": "<token>"},
        "arguments": ["<token>"],
        "return": "all",
    }
    assert await perform("shell", given) == {
        "code": 0,
        "stdout": "<token> <token>\n",
        "stderr": "<token>\n",
    }


async def test_a_secret_at_the_cut_of_a_complaint_is_not_shown_in_part(perform):
    command = 'printf "%s" "$1" >&2; head -c 2042 /dev/zero | tr "\\0" x >&2; exit 1'
    with pytest.raises(Fault) as fault:
        await perform("shell", {"command": command, "arguments": ["<token>"]})
    assert "value" not in fault.value.detail


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({}, "`command` is missing"),
        ({"command": ""}, "`command` is"),
        ({"command": ["ls"]}, "`command` is"),
        ({"command": "ls", "return": "json"}, "`return` is"),
        ({"command": "ls", "arguments": {"a": 1}}, "DSL 1.0.3 has a list"),
        ({"command": "ls", "arguments": "a"}, "a list was expected"),
        ({"command": "ls", "arguments": ["a\0b"]}, "`arguments[0]` holds the character NUL"),
        ({"command": "ls", "arguments": ["\ud800"]}, "not Unicode"),
        ({"command": "ls\0"}, "NUL"),
        ({"command": "ls", "environment": ["A=b"]}, "an object was expected"),
        ({"command": "ls", "environment": {"A=B": "c"}}, "cannot be a variable's name"),
        ({"command": "ls", "environment": {"": "c"}}, "cannot be a variable's name"),
    ],
)
async def test_a_property_that_cannot_be_used_is_named(perform, given, part):
    with pytest.raises(Fault) as fault:
        await perform("shell", given)
    assert (fault.value.kind, fault.value.status) == ("validation", 400)
    assert part in fault.value.detail


async def test_a_server_may_forbid_shells(perform):
    with pytest.raises(Fault) as fault:
        await perform("shell", {"command": "ls"}, policy=Policy(shell=False))
    assert (fault.value.kind, fault.value.status) == ("authorization", 403)


async def test_secrets_may_be_those_of_each_calls_run(make_call, secrets):
    asked = []

    def of(call):
        asked.append(call.run_id)
        return secrets

    caller = ShellCaller(of)
    assert await caller(make_call("shell", {"command": "echo <token>"})) == "<token>\n"
    assert asked == ["run-1"]
    caller.close()
