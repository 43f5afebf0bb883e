"""`batuta dead`: messages that could not be taken are seen, taken again, or forgotten."""

import asyncio
from pathlib import Path

import pytest

from batuta.adapters.buses.sqlite import SqliteBus
from batuta.adapters.clock import SystemClock
from batuta.ports.bus import Message

SHARED = """\
document: {dsl: '1.0.3', namespace: demo, name: shared, version: '1.0.0'}
do:
  - first: { call: greet, with: { name: Ada }, metadata: { participant: desk } }
  - second: { call: greet, with: { name: '${ . }' }, metadata: { participant: office } }
"""

START = "batuta.demo.shared.start"
WHY = "it is no CloudEvent in JSON"


@pytest.fixture
def put_aside(folder, run):
    """A project whose participant desk has put three messages aside."""
    (folder / "shared.yaml").write_text(SHARED)
    run("shared", "--control", "choreographed")

    async def send():
        bus = SqliteBus(Path(".batuta/bus.db"), SystemClock())
        await bus.start()
        await bus.publish([Message(f"bad{number}", START, b"no event") for number in range(2)])
        strange = (
            b'{"specversion": "1.0", "id": "x", "source": "/x", "type": "batuta.demo.shared.start",'
            b' "batutarun": "r7", "batutaworkflow": "demo/shared:9.0.0", "batutadigest": "00"}'
        )
        await bus.publish([Message("strange", START, strange)])
        await bus.close()

    asyncio.run(send())
    run("shared", "--control", "choreographed")
    return folder


def ids(cli, *words):
    return [one["id"] for one in cli("dead", "list", *words, "--json").json["messages"]]


def taken_until(run, cli, count):
    """Give the participant turns until it has put aside as many messages."""
    for _ in range(20):
        if len(ids(cli)) == count:
            return
        run("shared", "--control", "choreographed")
    raise AssertionError(ids(cli))


def test_messages_are_listed_by_reason_with_what_to_do_next(put_aside, cli):
    said = cli("dead", "list")

    assert f"2 messages: {WHY}" in said.out
    assert "desk/1" in said.out
    assert START in said.out
    assert "batuta dead redrive desk/" in said.err


def test_lists_are_narrowed_to_a_participant_and_a_run(put_aside, run, cli):
    taken_until(run, cli, 3)

    assert len(ids(cli, "--participant", "desk")) == 3
    assert ids(cli, "--participant", "office") == []
    assert len(ids(cli, "--run", "r7")) == 1
    assert cli("dead", "list", "--participant", "offices").code == 2
    assert "desk, office" in cli("dead", "list", "--participant", "offices").err


def test_one_message_is_shown_with_all_that_it_says(put_aside, run, cli):
    taken_until(run, cli, 3)
    (strange,) = ids(cli, "--run", "r7")
    as_json = cli("dead", "show", strange, "--json").json
    said = cli("dead", "show", strange)

    assert as_json["event"]["batutadigest"] == "00"
    assert as_json["status"] == "dead"
    assert as_json["run"] == "r7"
    assert "demo/shared:9.0.0" in said.out
    assert "no event" in cli("dead", "show", "desk/1").out


def test_a_discarded_message_is_gone(put_aside, cli):
    said = cli("dead", "discard", "desk/1")

    assert said.out == "discarded 1 message\n"
    assert "desk/1" not in ids(cli)
    assert cli("dead", "show", "desk/1").code == 2


def test_a_redriven_message_waits_to_be_taken_and_is_dead_no_more(put_aside, cli):
    before = ids(cli)
    said = cli("dead", "redrive", "--participant", "desk", "--json")

    assert said.json == {"redriven": before}
    assert ids(cli) == []
    assert cli("dead", "show", before[0], "--json").json["status"] == "again"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("discard",), "say which"),
        (("discard", "desk/1", "--all"), "say which"),
        (("redrive", "desk/77"), "no message desk/77 was put aside"),
        (("show", "seven"), "'seven' is no id of a message"),
        (("show", "nobody/1"), "no message nobody/1"),
    ],
)
def test_what_cannot_be_meant_is_refused(put_aside, cli, words, expected):
    said = cli("dead", *words)

    assert said.code == 2
    assert expected in said.err


def test_where_nothing_was_put_aside_that_is_said(cli, run):
    run("greeting")

    assert "no messages were put aside" in cli("dead", "list").err
    assert "no messages came late" in cli("dead", "list", "--late").err
    assert cli("dead", "discard", "--all").out == "discarded 0 messages\n"


def test_without_a_store_there_is_nothing_to_look_at(cli):
    said = cli("dead", "list")

    assert said.code == 2
    assert "there is no store" in said.err
