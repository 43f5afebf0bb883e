"""`batuta events`: publishing, and looking at what was published."""

import signal

import pytest


def test_an_event_is_published_with_its_attributes(cli):
    said = cli(
        *("events", "publish", "com.acme.ordered", "--data", '{"sku": "A1"}'),
        *("--source", "/shop", "--subject", "order/1", "--attr", "region=eu"),
        *("--attr", "id=e1", "--store", "sqlite:///events.db", "--json"),
    )

    assert said.code == 0
    event = said.json
    assert event.pop("time")
    assert event == {
        "specversion": "1.0",
        "id": "e1",
        "source": "/shop",
        "type": "com.acme.ordered",
        "region": "eu",
        "subject": "order/1",
        "datacontenttype": "application/json",
        "data": {"sku": "A1"},
    }


def test_people_read_that_it_is_out(cli):
    assert cli("events", "publish", "com.acme.go").out.startswith("published com.acme.go (id ")


def test_an_event_for_nobody_is_published_with_a_word_about_it(cli, run):
    said = cli("events", "publish", "com.acme.go")
    again = cli("events", "publish", "com.acme.go")

    assert (said.code, again.err) == (0, "")
    assert "there was no store at .batuta/batuta.db" in said.err


def test_a_waiting_run_hears_it(cli, waiting):
    cli("events", "publish", "com.acme.go", "--data", "-", stdin="7")

    assert cli("resume", "--json").json["runs"][0]["output"] == {"heard": 7}


@pytest.mark.parametrize(
    ("words", "told", "hint"),
    [
        (["--data", "{"], "--data is not JSON: line 1, column 2", "--data @FILE"),
        (["--attr", "region"], "--attr 'region' is not NAME=VALUE", "NAME=VALUE"),
        (["--attr", "Region=eu"], "'Region' is no name of an event attribute", "lower case"),
        (["--attr", "type=x"], "--attr cannot set 'type'", "first argument"),
        (["--attr", "source=x"], "--attr cannot set 'source'", "--source"),
        (["--attr", "data=x"], "--attr cannot set 'data'", "--data"),
    ],
)
def test_a_wrong_event_is_refused(cli, words, told, hint):
    said = cli("events", "publish", "com.acme.go", *words)

    assert said.code == 2
    assert told in said.err
    assert hint in said.err.partition("hint: ")[2]


def test_the_tail_shows_the_last_events_or_those_since_a_number(cli, monkeypatch):
    monkeypatch.setattr("batuta.cli.commands.events.LAST", 3)
    for number in range(1, 6):
        cli("events", "publish", "com.acme.even" if number % 2 == 0 else "com.acme.odd")

    def numbers(*words):
        return [line["number"] for line in cli("events", "tail", "--json", *words).lines]

    assert numbers() == [3, 4, 5]
    assert numbers("--since", "4") == [5]
    assert numbers("--since", "0", "--type", "com.acme.even") == [2, 4]
    assert numbers("--type", "com.acme.odd", "--no-follow") == [1, 3, 5]


def test_people_read_a_line_for_each(cli):
    cli("events", "publish", "com.acme.go", "--data", '{"text": "\\u001b[31m"}')
    (line,) = cli("events", "tail").out.splitlines()

    assert line.split()[0] == "1"
    assert "com.acme.go  /batuta/publish" in line
    assert "\x1b" not in line


@pytest.mark.slow
def test_following_shows_what_comes_until_it_is_stopped(start, cli, read_until):
    cli("events", "publish", "com.acme.first")
    one = start("events", "tail", "--follow", "--json")
    read_until(one.stdout, "com.acme.first")
    cli("events", "publish", "com.acme.second")
    line = read_until(one.stdout, "com.acme.second")
    one.send_signal(signal.SIGINT)

    assert '"number": 2' in line
    assert one.wait(timeout=30) == 0
    assert one.stderr.read() == ""
