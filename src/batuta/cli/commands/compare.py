"""`batuta compare`: one workflow both ways, side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batuta.cli import helping, options, paper, words
from batuta.cli.accounts import lasting
from batuta.cli.commands.run import checked
from batuta.cli.exit_codes import Exit
from batuta.cli.opening import Chosen, chosen, readable_log

if TYPE_CHECKING:
    from batuta.app.comparing import Comparison, Side

MOST_SHOWN = 10
"""Differences that are shown to people; JSON has all of them."""


@options.command(help=helping.COMPARE)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--runs",
    default=20,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help=helping.COMPARE_RUNS,
)
@click.option("--input", "given", multiple=True, metavar="JSON|@FILE|-", help=helping.COMPARE_INPUT)
@click.option(
    "--at-once", default=10, show_default=True, type=click.IntRange(1, 10_000), help=helping.AT_ONCE
)
@options.functions
@options.secret
@options.wait
@options.as_json
def compare(
    file: str,
    runs: int,
    given: tuple[str, ...],
    at_once: int,
    functions: tuple[str, ...],
    secret: tuple[str, ...],
    wait: float | None,
    as_json: bool,
) -> int:
    """Compare; see `helping.COMPARE`."""
    data = [options.json_value(one, "--input") for one in given] or [{}]
    choice = chosen(None, functions, secret, beside=Path(file).parent)
    checked(file, choice, "choreographed")
    inputs = [data[number % len(data)] for number in range(runs)]
    found = asyncio.run(_compare(file, inputs, choice, at_once, 60 if wait is None else wait))
    if as_json:
        paper.say_json(_as_json(found))
    else:
        _say(found, at_once)
    return Exit.OK if found.agrees else Exit.DIFFERS


async def _compare(
    file: str, inputs: list[Any], choice: Chosen, at_once: int, wait_s: float
) -> Comparison:
    from batuta.runtime.shared.driving.dedicated import dedicated  # noqa: PLC0415 -- as below
    from batuta.wiring.comparing import compared  # noqa: PLC0415 -- brings every driver

    with readable_log(), dedicated():
        return await compared(
            Path(file),
            inputs,
            functions=choice.functions,
            secrets=choice.secrets,
            settings=choice.settings,
            at_once=at_once,
            wait_s=wait_s,
        )


def _as_json(found: Comparison) -> dict[str, Any]:
    from msgspec import to_builtins  # noqa: PLC0415 -- loaded when it is needed

    return {
        "workflow": found.workflow,
        "runs": found.runs,
        "agrees": found.agrees,
        **{side.control: _side_json(side, found.runs) for side in _sides(found)},
        "differences": to_builtins(found.differences),
    }


def _side_json(side: Side, runs: int) -> dict[str, Any]:
    return {
        "statuses": {status: side.count(status) for status in _statuses(side)},
        "messages": side.messages,
        "hops": side.hops,
        "messagesPerRun": round(side.messages / runs, 2),
        "hopsPerRun": round(side.hops / runs, 2),
        "latencyMs": {"p50": _rounded(side, 0.5), "p99": _rounded(side, 0.99)},
    }


def _rounded(side: Side, share: float) -> float | None:
    found = side.latency_ms(share)
    return None if found is None else round(found, 3)


def _sides(found: Comparison) -> tuple[Side, Side]:
    return found.orchestrated, found.choreographed


def _statuses(*sides: Side) -> list[str]:
    return sorted({one.status for side in sides for one in side.outcomes})


def _say(found: Comparison, at_once: int) -> None:
    sides = _sides(found)
    paper.say(words.compared(found.workflow, found.runs, min(at_once, found.runs)))
    rows = [
        *((status, *(str(side.count(status)) for side in sides)) for status in _statuses(*sides)),
        ("messages per run", *(f"{side.messages / found.runs:.1f}" for side in sides)),
        ("hops per run", *(f"{side.hops / found.runs:.1f}" for side in sides)),
        ("latency p50", *(_latency(side, 0.5) for side in sides)),
        ("latency p99", *(_latency(side, 0.99) for side in sides)),
    ]
    paper.say_table(("", *(side.control.upper() for side in sides)), rows)
    paper.say(paper.styled(words.COUNTED_MESSAGES, "dim", err=False))
    if found.agrees:
        text = words.agreeing(found.runs)
        paper.say(f"{paper.styled('identical:', 'good', err=False)} {text}")
        return
    differing = len({one.run for one in found.differences})
    if not differing:
        paper.say(f"{paper.styled('not ended:', 'bad', err=False)} {words.NOT_ALL_ENDED}")
        return
    text = words.differing(differing, found.runs)
    paper.say(f"{paper.styled('different:', 'bad', err=False)} {text}")
    for one in found.differences[:MOST_SHOWN]:
        left, right = (
            paper.short_json(one.orchestrated, 60),
            paper.short_json(one.choreographed, 60),
        )
        paper.say(f"  run {one.run}  {paper.clean(one.at)}: {left} / {right}")
    if len(found.differences) > MOST_SHOWN:
        paper.say(words.more_differences(len(found.differences) - MOST_SHOWN))
    paper.say(f"{paper.styled('hint:', 'dim', err=False)} {words.DIFFERENCES_HINT}")


def _latency(side: Side, share: float) -> str:
    found = side.latency_ms(share)
    if found is None:
        return "-"
    return f"{found:.2g} ms" if found < 10 else lasting(found)  # noqa: PLR2004 -- two digits
