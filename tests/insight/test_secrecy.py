"""Secrets are recognised where they went, and come back where they were left redacted."""

from __future__ import annotations

import json

import pytest

from batuta.definition import load
from batuta.insight.secrecy import MOST_VALUES, Secrets, restored, secrecy_of

R = "[redacted]"
HEAD = "document: { dsl: '1.0.3', namespace: t, name: w, version: 1.0.0 }\n"
CARD = """\
input: { schema: { document: { properties: { card: { format: password } } } } }
do: []
"""


def found(text, data, resources=None):
    secrecy = secrecy_of(load(HEAD + text, file="w"), {}, resources or {})
    secrets = Secrets(secrecy)
    secrets.learn_input(data)
    return secrets


def test_a_workflow_that_marks_nothing_has_no_secrets():
    assert secrecy_of(load(HEAD + "input: { schema: { document: {} } }\ndo: []\n"), {}, {}) is None


@pytest.mark.parametrize(
    ("secret", "value", "shown"),
    [
        ("abcdef", {"x": ["-abcdef-"]}, {"x": [f"-{R}-"]}),
        ("abc", {"x": "abc", "card": "abc"}, {"x": "abc", "card": R}),
        (123456, {"x": 123456, "y": "no 123456"}, {"x": R, "y": f"no {R}"}),
        (12, {"x": 12, "card": [12, 13, None]}, {"x": 12, "card": [R, 13, None]}),
        (True, {"x": True, "card": True}, {"x": True, "card": R}),
        ({"a": ["abcdef"], "b": 1}, {"b": 1, "c": "abcdef"}, {"b": R, "c": R}),
        ("abcdef", None, None),
        (None, {"card": None}, {"card": None}),
        ("", {"card": ""}, {"card": ""}),
    ],
)
def test_a_secret_is_recognised_by_its_value_or_with_its_name(secret, value, shown):
    assert found(CARD, {"card": secret}).anything(value) == shown


def test_the_longest_secret_is_taken_first():
    secrets = found(CARD, {"card": ["abcdef", "abcdefgh"]})

    assert secrets.anything("abcdefgh abcdef") == f"{R} {R}"


def test_with_too_many_secrets_nothing_is_shown():
    secrets = found(CARD, {"card": [f"secret-{n}" for n in range(MOST_VALUES + 1)]})

    assert secrets.is_blind
    assert secrets.anything({"x": 1}) == R
    assert [secrets.anything(one) for one in (None, True)] == [None, True]
    assert secrets.error({"type": "t", "status": 4, "detail": "d", "instance": "/do"}) == {
        "type": "t", "status": 4, "detail": R, "instance": "/do"
    }  # fmt: skip
    assert secrets.event({"id": "1", "data": {"a": 1}}) == {"id": "1", "data": R}


def test_a_schema_from_elsewhere_marks_too():
    text = "input: { schema: { resource: { endpoint: https://s/x.json } } }\ndo: []\n"
    secrets = found(text, {}, {"https://s/x.json": {"properties": {"a": {"x-secret": True}}}})

    assert secrets.input({"a": 1, "b": 2}) == {"a": R, "b": 2}


def test_events_that_start_runs_and_that_listens_give_are_marked():
    schema = "{ document: { items: { properties: { data: { format: password } } } } }"
    text = f"""\
schedule: {{ on: {{ one: {{ with: {{ type: a }} }} }} }}
input: {{ schema: {schema} }}
do:
- hear:
    listen: {{ to: {{ one: {{ with: {{ type: b }} }} }}, read: envelope }}
    output: {{ schema: {schema} }}
- get:
    listen: {{ to: {{ one: {{ with: {{ type: c }} }} }} }}
    output: {{ schema: {{ document: {{ items: {{ writeOnly: true }} }} }} }}
- other:
    listen: {{ to: {{ one: {{ with: {{ type: d }} }} }} }}
    output: {{ schema: {{ document: {{ items: {{ writeOnly: true }} }} }}, as: '${{ . }}' }}
"""
    secrets = found(text, [])

    shown = {one: secrets.event({"type": one, "data": {"x": 1}})["data"] for one in "abcd"}
    assert shown == {"a": R, "b": R, "c": R, "d": {"x": 1}}


def test_the_end_of_a_run_is_told_without_what_its_output_marks():
    text = "output: { schema: { document: { format: password } } }\ndo: []\n"
    event = {"type": "batuta.t.w.ended", "data": {"status": "completed", "output": "x"}}

    assert found(text, {}).event(event)["data"] == {"status": "completed", "output": R}


def test_what_is_no_event_is_shown_by_its_values():
    assert found(CARD, {"card": "abcdef"}).event("<abcdef>") == f"<{R}>"


WHOLE = {"cards": [{"pin": 1, "of": "a"}, {"pin": 2, "of": "b"}], "token": "abc"}
SHOWN = {"cards": [{"pin": R, "of": "a"}, {"pin": R, "of": "b"}], "token": R}


@pytest.mark.parametrize(
    ("given", "meant", "wrong"),
    [
        (SHOWN, WHOLE, []),
        ({"token": R}, {"token": "abc"}, []),
        ({"token": "new"}, {"token": "new"}, []),
        ({"other": R}, {"other": R}, ["/other"]),
        ({"token": f"x{R}"}, {"token": f"x{R}"}, ["/token"]),
        # One that was taken away leaves the other its own.
        ({"cards": SHOWN["cards"][1:]}, {"cards": WHOLE["cards"][1:]}, []),
        ({"cards": SHOWN["cards"][::-1]}, {"cards": WHOLE["cards"][::-1]}, []),
        ({"cards": [{"pin": R, "of": "x"}, SHOWN["cards"][1]]},
         {"cards": [{"pin": 1, "of": "x"}, WHOLE["cards"][1]]}, []),
        ({"cards": [{"pin": R, "of": "x"}]}, {"cards": [{"pin": R, "of": "x"}]}, ["/cards/0/pin"]),
    ],
)  # fmt: skip
def test_what_was_left_as_it_was_shown_is_put_back(given, meant, wrong):
    assert restored(given, SHOWN, WHOLE) == (meant, wrong)
    assert json.dumps(given)  # what was given is not changed
