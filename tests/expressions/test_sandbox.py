"""The sandbox: whole jq, killed when it must be, and blind to the host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import pytest

from batuta.errors import UnavailableError
from batuta.expressions import ExpressionFailure, compile_expression
from batuta.expressions.sandbox import MEBIBYTE, Sandbox

if TYPE_CHECKING:
    from batuta.ports.evaluator import Evaluator


@pytest.fixture
async def sandbox():
    made = Sandbox(size=2, deadline_ms=5_000)
    yield made
    await made.close()


@pytest.fixture
async def hasty():
    made = Sandbox(size=1, deadline_ms=200)
    yield made
    await made.close()


async def test_it_keeps_the_evaluators_contract(sandbox):
    evaluator: Evaluator = sandbox
    assert await evaluator.evaluate(".a + $x", {"a": 1}, {"x": 2}) == 3
    assert await evaluator.evaluate("empty", 1, {}) is None
    assert await evaluator.evaluate("1, 2", 1, {}) == [1, 2]
    assert await evaluator.evaluate("[]", 1, {}) == []


async def test_it_runs_what_has_no_native_form(sandbox):
    for source, data, expected in [
        ('[match("a+"; "g").string]', "aabaa", ["aa", "aa"]),
        ("def f($n): if $n > 0 then $n, f($n - 1) else empty end; [f(3)]", None, [3, 2, 1]),
        ("label $out | .[] | if . > 1 then ., break $out else . end", [1, 2, 3], [1, 2]),
        ("[1, [2]] | . as [$a] ?// $a | $a", None, 1),
        ("@csv", [1, "a"], '1,"a"'),
        ("toarray", 5, [5]),
        ('[splits(", *")]', "a, b", ["a", "b"]),
        ("todate", 0, "1970-01-01T00:00:00Z"),
        ("$__loc__.line # comment", None, 1),
    ]:  # fmt: skip
        assert compile_expression(source).variables == frozenset()
        assert await sandbox.evaluate(source, data, {}) == expected


async def test_values_pass_unharmed(sandbox):
    data = [10**20 + 1, 0.1, 1e300, 5e-324, True, None, 'é😀\x00\u2028"\\', {"": [], "a": {}}]
    assert await sandbox.evaluate(".", data, {}) == data
    assert await sandbox.evaluate("$x", None, {"x": data}) == data
    assert await sandbox.evaluate("[nan, infinite, 1e1000]", None, {}) == [
        None,
        1.7976931348623157e308,
        1.7976931348623157e308,
    ]


async def test_it_agrees_with_native_code(sandbox):
    for source, data in [
        ("sort_by(.a) | map(.b)", [{"a": 2, "b": 1}, {"a": 1, "b": 2}]),
        ("[.[] | tostring]", [1.5, 1.0, 10**17, "a", [1, 0.25]]),
        ('{a: "\\(.[0])", b: (.[1:] | add)}', [1, 2, 3]),
    ]:
        native = compile_expression(source).evaluate
        assert native is not None
        assert await sandbox.evaluate(source, data, {}) == native(data, {})


@pytest.mark.parametrize("source", ["$ENV", "env", "[$ENV, env] | add"])
async def test_the_environment_is_empty(sandbox, monkeypatch, source):
    monkeypatch.setenv("BATUTA_TEST_VALUE", "seen")
    assert await sandbox.evaluate(source, None, {}) == {}


async def test_there_is_no_further_input(sandbox):
    with pytest.raises(ExpressionFailure):
        await sandbox.evaluate("input", 1, {})
    assert await sandbox.evaluate("[inputs]", 1, {}) == []
    assert await sandbox.evaluate("input_filename", 1, {}) is None
    assert await sandbox.evaluate(".", 2, {}) == 2


@pytest.mark.parametrize(
    "source",
    [
        'include "a" {search: "FOLDER"}; secret',
        'import "a" as $x {search: "FOLDER"}; $x',
        '1) | 2; import "a" as $x {search: "FOLDER"}; ($x',
        'include "a"; secret',
        '"a" | modulemeta',
        '"FOLDER/a" | modulemeta',
    ],
)
async def test_files_cannot_be_read(sandbox, tmp_path, source):
    (tmp_path / "a.jq").write_text('module {secret: "s3cr3t"}; def secret: "s3cr3t";')
    (tmp_path / "a.json").write_text('"s3cr3t"')
    with pytest.raises(ExpressionFailure) as caught:
        await sandbox.evaluate(source.replace("FOLDER", str(tmp_path)), None, {})
    assert "s3cr3t" not in caught.value.message


@pytest.mark.parametrize("source", ["halt", "halt_error", '"x" | halt_error(1)', "stderr", "debug"])
async def test_what_ends_jq_or_prints_disturbs_nothing(sandbox, source):
    with contextlib.suppress(ExpressionFailure):
        await sandbox.evaluate(source, "text", {})
    assert await sandbox.evaluate(". + 1", 1, {}) == 2


async def test_a_failure_is_jqs_own_message(sandbox):
    with pytest.raises(ExpressionFailure) as caught:
        await sandbox.evaluate('error("no stock")', None, {})
    assert caught.value.message == "no stock"
    with pytest.raises(ExpressionFailure) as caught:
        await sandbox.evaluate(".a.b", {"a": 5}, {})
    assert caught.value.message == 'Cannot index number with string ("b")'
    with pytest.raises(ExpressionFailure) as caught:
        await sandbox.evaluate("1 +", None, {})
    assert "syntax error" in caught.value.message
    assert "toarray" not in caught.value.message


@pytest.mark.parametrize("source", ["last(range(1e12))", "def f: f; f", "[range(1e12)] | length"])
async def test_what_runs_too_long_is_killed_and_replaced(hasty, source):
    with pytest.raises(ExpressionFailure, match=r"^took longer than 0\.2 s$"):
        await hasty.evaluate(source, None, {})
    assert await hasty.evaluate(". + 1", 1, {}) == 2


async def test_what_needs_too_much_memory_fails_alone():
    sandbox = Sandbox(size=1, deadline_ms=10_000, memory=96 * MEBIBYTE)
    try:
        with pytest.raises(ExpressionFailure, match=r"^needed more than 96 MiB$"):
            await sandbox.evaluate('[range(100)] | map("x\\(.)" * 10000000) | length', None, {})
        assert await sandbox.evaluate(". + 1", 1, {}) == 2
    finally:
        await sandbox.close()


async def test_too_much_output_is_refused():
    sandbox = Sandbox(size=1, output=1_000)
    try:
        with pytest.raises(ExpressionFailure, match="output"):
            await sandbox.evaluate('"x" * 2000', None, {})
        assert await sandbox.evaluate('"x" * 100 | length', None, {}) == 100
    finally:
        await sandbox.close()


async def test_a_result_that_is_too_deep_is_a_failure(sandbox):
    with pytest.raises(ExpressionFailure):
        await sandbox.evaluate("reduce range(20000) as $x (0; [.])", None, {})
    assert await sandbox.evaluate(".", 1, {}) == 1


async def test_a_crash_of_the_child_is_survived(sandbox):
    assert await sandbox.evaluate(".", 1, {}) == 1
    (child,) = sandbox._all
    os.kill(child._process.pid, signal.SIGSEGV)
    assert await child.end() == -signal.SIGSEGV
    assert await sandbox.evaluate(".", 2, {}) == 2


async def test_a_crash_in_the_middle_is_a_failure(sandbox):
    running = asyncio.create_task(sandbox.evaluate("last(range(1e12))", None, {}))
    while not any(child.ready for child in sandbox._all):  # noqa: ASYNC110 -- a test of its inside
        await asyncio.sleep(0)
    (child,) = sandbox._all
    os.kill(child._process.pid, signal.SIGKILL)
    with pytest.raises(ExpressionFailure, match="ended the evaluator"):
        await running
    assert await sandbox.evaluate(".", 2, {}) == 2


async def test_a_cancelled_evaluation_frees_its_place(hasty):
    running = asyncio.create_task(hasty.evaluate("last(range(1e12))", None, {}))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await hasty.evaluate(".", 5, {}) == 5


async def test_children_are_started_when_needed_and_reused(sandbox):
    assert not sandbox._all
    for number in range(5):
        assert await sandbox.evaluate(".", number, {}) == number
    assert len(sandbox._all) == 1
    results = await asyncio.gather(*(sandbox.evaluate(". * 2", n, {}) for n in range(20)))
    assert results == [2 * n for n in range(20)]
    assert len(sandbox._all) == 2


async def test_input_that_is_no_json_is_a_failure(sandbox):
    with pytest.raises(ExpressionFailure, match="no JSON"):
        await sandbox.evaluate(".", float("nan"), {})


async def test_a_closed_sandbox_starts_nothing():
    sandbox = Sandbox()
    assert await sandbox.evaluate(".", 1, {}) == 1
    (child,) = sandbox._all
    await sandbox.close()
    assert not child.alive
    with pytest.raises(UnavailableError):
        await sandbox.evaluate(".", 1, {})
