"""Whatever is done to a document, a report comes back, and it points into the text."""

from __future__ import annotations

import copy
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.definition import CODES, check

DOCUMENT = {
    "document": {
        "dsl": "1.0.3",
        "namespace": "test",
        "name": "sample",
        "version": "0.1.0",
        "metadata": {
            "participants": {"a": {"title": "A"}},
            "participant": "a",
            "keys": {"k": ".x"},
        },
    },
    "use": {
        "secrets": ["s"],
        "authentications": {"shop": {"oauth2": {"authority": "/x", "client": {"id": "i"}}}},
        "errors": {"late": {"type": "/late", "status": 408}},
        "retries": {
            "often": {
                "delay": "PT1S",
                "backoff": {"linear": {}},
                "limit": {"attempt": {"count": 2}},
            }
        },
        "timeouts": {"short": {"after": {"seconds": 5}}},
        "functions": {"f": {"call": "g", "with": {"a": "${ .a }"}}},
        "catalogs": {"c": {"endpoint": "https://x.example"}},
        "extensions": [{"log": {"extend": "all", "before": [{"x": {"set": {"a": 1}}}]}}],
    },
    "schedule": {"cron": "0 0 * * *", "on": {"one": {"with": {"type": "t"}}}, "read": "data"},
    "input": {
        "schema": {"document": {"type": "object", "properties": {"a": {"type": "string"}}}},
        "from": ".",
    },
    "timeout": "short",
    "do": [
        {
            "get": {
                "call": "http",
                "with": {
                    "method": "get",
                    "endpoint": {"uri": "/x/{y}", "authentication": {"use": "shop"}},
                },
                "then": "loop",
            }
        },
        {
            "loop": {
                "for": {"each": "x", "in": ".xs"},
                "while": "$x",
                "do": [{"keep": {"set": {"y": "${ $x }"}}}],
            }
        },
        {"choose": {"switch": [{"yes": {"when": ".y", "then": "get"}}, {"no": {"then": "both"}}]}},
        {
            "both": {
                "fork": {
                    "branches": [
                        {"left": {"wait": "PT1S"}},
                        {"right": {"raise": {"error": "late"}}},
                    ]
                }
            }
        },
        {
            "careful": {
                "try": [{"inner": {"call": "f"}}],
                "catch": {"errors": {"with": {"status": 500}}, "retry": "often", "do": []},
            }
        },
        {
            "hear": {
                "listen": {
                    "to": {
                        "any": [{"with": {"type": "t"}, "correlate": {"k": {"from": ".k"}}}],
                        "until": ".x",
                    }
                },
                "foreach": {"do": []},
            }
        },
        {
            "tell": {
                "emit": {"event": {"with": {"type": "t", "data": {"a": "${ .a }"}}}},
                "metadata": {"sla": {"within": "PT5S"}},
            }
        },
        {
            "go": {
                "run": {
                    "container": {
                        "image": "x",
                        "lifetime": {"cleanup": "eventually", "after": "PT1S"},
                    }
                },
                "metadata": {"compensate": {"do": []}},
            }
        },
    ],
}
JUNK = (
    st.sampled_from(
        [
            None,
            True,
            0,
            -1,
            1.5,
            "",
            "x",
            "${ .x }",
            "${ .x ",
            ".a.b",
            "PT1S",
            "continue",
            "$",
            "é\u2028😀",
        ]
    )
    | st.builds(dict)
    | st.builds(list)
    | st.just({"a": {"b": []}})
    | st.just([[{}]])
)


def places(value, path=()):
    """Yield the path of every value inside."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@st.composite
def mutated(draw):
    document = copy.deepcopy(DOCUMENT)
    for _ in range(draw(st.integers(1, 4))):
        found = list(places(document))
        *around, key = draw(st.sampled_from(found))
        parent = document
        for step in around:
            parent = parent[step]
        match draw(st.sampled_from(["delete", "retype", "rename", "graft"])):
            case "delete":
                del parent[key]
            case "retype":
                parent[key] = copy.deepcopy(draw(JUNK))
            case "graft":
                grafted = document
                for step in draw(st.sampled_from(found)):
                    grafted = grafted[step]
                parent[key] = copy.deepcopy(grafted)
            case "rename" if isinstance(parent, dict):
                other = draw(
                    st.sampled_from([str(key)[:-1], f"{key}x", "then", "do", "call", "<<", "a/b.c"])
                )
                parent[other] = parent.pop(key)
            case _:
                pass
        if not any(True for _ in places(document)):
            break
    return document


def assert_sound(text):
    report = check(text, file="x.yaml")
    # YAML 1.1's further line breaks are characters like others in JSON.
    lines = re.split(r"\r\n|[\n\r]" + ("" if text[:1] == "{" else r"|[\x85\u2028\u2029]"), text)
    for problem in report.problems:
        assert problem.code in CODES
        assert 1 <= problem.line <= len(lines), problem.render()
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem.render()
        assert re.fullmatch(r"(/([^~/]|~[01])*)*", problem.reference, re.DOTALL)
        assert problem.message
        assert json.loads(json.dumps(problem.as_json()))
    assert report.ok == (report.workflow is not None)
    return report


def test_the_document_that_is_mutated_is_right():
    assert check(json.dumps(DOCUMENT)).problems == ()


@settings(max_examples=200, deadline=None)
@given(document=mutated(), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_a_mutated_document_gives_a_report(document, indent, ascii_only):
    assert_sound(json.dumps(document, indent=indent, ensure_ascii=ascii_only))


LINES = json.dumps(DOCUMENT, indent=1).splitlines()


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_document_with_broken_lines_gives_a_report(data):
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        lines[at] = data.draw(
            st.sampled_from(["", "- x", "a: b", '"', "}", "]", "\t", "&a", "*a", lines[at][:-1]])
        )
    assert_sound("\n".join(lines))
