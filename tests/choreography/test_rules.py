"""The rules of each participant, as people read them: in values, and in a picture."""
# ruff: noqa: E501 -- a document on one line is compared with its neighbours at a glance

from __future__ import annotations

import re

from material import headed

from batuta.choreography import project
from batuta.choreography.description import described
from batuta.choreography.picture import drawn
from batuta.choreography.rules import Rule
from batuta.choreography.within import tasks_of
from batuta.definition import check

P = "batuta.shop.order"
A, B, C = (f"metadata: {{ participant: {name} }}" for name in "abc")
CHAIN = f"do:\n- x: {{ call: x, {A} }}\n- y: {{ call: y, {A} }}\n- z: {{ call: z, {B} }}\n"
CHOICE = f"do:\n- x: {{ call: x, {A} }}\n- s: {{ switch: [ good: {{ when: '${{ .ok }}', then: y }}, bad: {{ then: z }} ] }}\n- y: {{ call: y, {B}, then: end }}\n- z: {{ call: z, {C} }}\n"
FORK = f"do:\n- x: {{ call: x, {A} }}\n- f: {{ fork: {{ branches: [ l: {{ call: l, {B} }}, r: {{ wait: PT1S }} ] }} }}\n- z: {{ call: z, {A} }}\n"
UNDO = f"do:\n- x: {{ call: x, metadata: {{ participant: a, event: com.acme.x, compensate: {{ call: undo }} }} }}\n- y: {{ call: y, {B} }}\n"
ASKED = f"do:\n- x: {{ call: x, {A} }}\n- o: {{ call: o, metadata: {{ participant: o }} }}\n- e: {{ emit: {{ event: {{ with: {{ type: com.acme.told }} }} }} }}\n- h: {{ listen: {{ to: {{ any: [] }} }}, {B} }}\n"


def projected(text, **head):
    report = check(headed(text, "a", "b", "c", **head))
    assert report.workflow is not None, "\n".join(one.render() for one in report.problems)
    return project(report.workflow)


def rules(text, name, **head):
    return list(projected(text, **head).parts[name].rules)


def test_a_participant_performs_until_control_leaves_it():
    assert rules(CHAIN, "a") == [
        Rule((f"{P}.start",), (), ("/do/0/x", "/do/1/y"), (f"{P}.y.completed", f"{P}.ended"))
    ]
    assert rules(CHAIN, "b") == [
        Rule((f"{P}.y.completed",), (), ("/do/2/z",), (f"{P}.ended",)),
    ]


def test_who_only_begins_hands_the_start_on():
    (rule,) = rules(CHAIN, "c", default="c")
    assert rule == Rule((f"{P}.start",), (), (), (f"{P}.start", f"{P}.ended"))
    assert rules(CHAIN, "a", default="c")[0].on == (f"{P}.start",)


def test_conditions_stand_where_they_decide():
    assert rules(CHOICE, "b")[0].when == (".ok",)
    assert rules(CHOICE, "c")[0].when == ("not (.ok)",)


def test_a_condition_of_the_task_itself_counts():
    text = f"do:\n- x: {{ call: x, {A} }}\n- y: {{ call: y, if: .a, {B} }}\n"
    assert rules(text, "b")[0].when == (".a",)


def test_too_many_ways_are_not_told_apart():
    ifs = "".join(f"- s{i}: {{ set: {{ a: 1 }}, if: .a{i} }}\n" for i in range(9))
    text = f"do:\n- x: {{ call: x, {A} }}\n{ifs}- y: {{ call: y, if: .b, {B} }}\n"
    assert rules(text, "b")[0].when == ()


def test_a_join_waits_for_the_branches_that_are_elsewhere():
    first, join = rules(FORK, "a")
    assert first == Rule(
        (f"{P}.start",),
        (),
        ("/do/0/x", "/do/1/f/fork/branches/1/r"),
        (f"{P}.x.completed", f"{P}.ended"),
    )
    assert join == Rule(
        (f"{P}.f.l.completed", f"{P}.f.l.faulted"), (), ("/do/2/z",), (f"{P}.ended",), "/do/1/f"
    )


def test_what_is_undone_has_a_rule_of_its_own_and_comes_last():
    (first, undo) = rules(UNDO, "a")
    assert first == Rule((f"{P}.start",), (), ("/do/0/x",), ("com.acme.x", f"{P}.ended"))
    assert undo.undoes == "/do/0/x"
    assert undo.perform == ("/do/0/x/metadata/compensate",)
    assert f"{P}.y.faulted" in undo.on


def test_a_service_that_is_not_ours_is_asked_and_answers():
    (asking,) = rules(ASKED, "a", external=("o",))
    assert asking.perform == ("/do/0/x", "/do/2/e")
    assert asking.publish == (
        f"{P}.o.requested",
        "com.acme.told",
        f"{P}.e.completed",
        f"{P}.ended",
    )
    assert rules(ASKED, "o", external=("o",)) == [
        Rule((f"{P}.o.requested",), (), ("/do/1/o",), (f"{P}.o.completed", f"{P}.o.faulted"))
    ]


def test_what_no_run_comes_to_has_no_rules():
    text = f"do:\n- x: {{ call: x, {A}, then: end }}\n- y: {{ call: y, {B} }}\n- f: {{ fork: {{ branches: [ l: {{ call: l, {C} }} ] }} }}\n"
    assert rules(text, "b") == []
    assert "y" not in drawn(projected(text), {})


def test_a_description_holds_a_participant_s_own_tasks_and_only_names_of_the_others():
    projection = projected(FORK)
    told = described(projection, tasks_of(projection.workflow, {}), "b")
    assert told == {
        "workflow": "shop/order:1.0.0",
        "begins": "a",
        "participants": {
            "b": {
                "rules": [
                    {
                        "events": [f"{P}.x.completed"],
                        "perform": ["f.l"],
                        "publish": [f"{P}.f.l.completed", f"{P}.f.l.faulted"],
                    }
                ],
                "hears": [f"{P}.control", f"{P}.ended", f"{P}.handover", f"{P}.x.completed"],
                "tasks": {
                    "f.l": {"at": "/do/1/f/fork/branches/0/l", "does": {"call": "l"}},
                },
            }
        },
    }


def test_a_description_tells_of_all_participants_and_every_kind_of_rule():
    projection = projected(UNDO + FORK.removeprefix("do:\n").replace("- x:", "- w:"))
    told = described(projection, tasks_of(projection.workflow, {}))["participants"]
    assert list(told) == ["a", "b"]
    assert [rule.get("joins") for rule in told["a"]["rules"]].count("f") == 1
    assert [rule.get("undoes") for rule in told["a"]["rules"]].count("x") == 1
    assert list(told["a"]["tasks"]) == ["x", "x.compensate", "w", "f.r", "z"]


def test_a_description_tells_conditions_one_or_several():
    once = f"do:\n- x: {{ call: x, {A} }}\n- y: {{ call: y, if: .a, {B} }}\n"
    twice = f"do:\n- x: {{ call: x, {A} }}\n- s: {{ switch: [ m: {{ when: .m, then: y }}, n: {{ when: .n, then: y }}, o: {{ then: z }} ] }}\n- y: {{ call: y, {B}, then: end }}\n- z: {{ call: z, {C} }}\n"
    for text, when in ((once, ".a"), (twice, {".m", "not (.m) and .n"})):
        projection = projected(text)
        told = described(projection, tasks_of(projection.workflow, {}), "b")
        found = told["participants"]["b"]["rules"][0]["when"]
        assert (set(found) if isinstance(found, list) else found) == when


def test_who_hears_everything_is_said_to():
    told = described(
        projected(ASKED, external=("o",)), tasks_of(projected(ASKED, external=("o",)).workflow, {})
    )
    assert told["participants"]["b"]["hears"] == "everything"
    assert told["participants"]["o"]["external"] is True
    assert "hears" not in told["participants"]["o"]


# -- the picture -----------------------------------------------------------------------------------

LABEL = r'"[\w .,:/()\'+#;-]+"'
SHAPE = rf"(?:\[{LABEL}\]|>{LABEL}\]|\(\[{LABEL}\]\)|\[/{LABEL}/\]|\{{{LABEL}\}})"
LINES = re.compile(
    rf"flowchart LR|  subgraph p\d+\[{LABEL}\]|    t\d+{SHAPE}|  end|  start\(\(\"start\"\)\)"
    rf"|  (?:t\d+|start) (?:-->|-->\|{LABEL}\||-\.->\|\"faulted\"\||-\.-) t\d+"
)
"""What Mermaid's flowcharts allow of that which we write (checked against its own parser)."""


def picture(text, name=None, **head):
    """Return a drawn workflow with names for ids; every line is Mermaid's, every id is declared."""
    lines = drawn(projected(text, **head), {}, name).splitlines()
    assert [line for line in lines if not LINES.fullmatch(line)] == []
    names = {"start": "start"}
    for line in lines:
        node = re.match(r'    (t\d+)\W+"([^"]+)"', line)
        if node:
            names[node[1]] = node[2]
    arrows = [line.split() for line in lines if re.match(r"  (t\d+|start) -", line)]
    assert {one[0] for one in arrows} | {one[-1] for one in arrows} <= set(names)
    return [" ".join([names[one[0]], *one[1:-1], names[one[-1]]]) for one in arrows]


def test_a_picture_names_the_events_that_go_to_somebody_else():
    assert picture(CHAIN) == [
        'start -->|"start"| x',
        "x --> y",
        'y -->|"y.completed"| z',
    ]


def test_a_picture_shows_branches_joins_and_faults():
    assert picture(FORK) == [
        'start -->|"start"| x',
        'x -->|"x.completed"| f.l',
        "x --> f.r",
        'f.l -->|"f.l.completed"| f',
        'f.l -.->|"faulted"| f',
        "f.r --> f",
        'f.r -.->|"faulted"| f',
        "f --> z",
    ]


def test_a_picture_shows_what_undoes_a_task_and_what_others_are_asked():
    assert "x -.- x.compensate" in picture(UNDO)
    assert picture(ASKED, external=("o",))[1:3] == [
        'x -->|"o.requested"| o',
        'o -->|"o.completed"| e',
    ]


def test_a_picture_of_one_participant_holds_what_concerns_it():
    assert picture(CHAIN, "b") == ['y -->|"y.completed"| z']
    assert picture(UNDO, "b") == ['x -->|"com.acme.x"| y']


def test_an_empty_fork_is_passed_through():
    text = f"do:\n- x: {{ call: x, {A} }}\n- f: {{ fork: {{ branches: [] }} }}\n- z: {{ call: z, {A} }}\n"
    assert "x --> z" in picture(text)


def test_names_of_any_signs_are_written_as_mermaid_can_read_them():
    text = CHAIN.replace("- x:", '- "x \\" <b>#{}|":')
    head = "document: { dsl: '1.0.3', namespace: shop, name: order, version: '1.0.0', metadata: { participants: { a: { title: 'The \"A\"' }, b: {} } } }\n"
    drawing = drawn(project(check(head + text).workflow), {})
    assert [line for line in drawing.splitlines() if not LINES.fullmatch(line)] == []
    assert '"a: The #34;A#34;"' in drawing


def test_what_undoes_in_several_steps_hangs_by_all_of_them():
    text = UNDO.replace("{ call: undo }", "{ do: [ one: { call: o }, two: { call: t } ] }")
    assert [one for one in picture(text) if "compensate" in one] == [
        "x -.- x.compensate.one",
        "x -.- x.compensate.two",
    ]


def test_what_undoes_several_tasks_hangs_by_none_of_them():
    text = f"do:\n- d: {{ do: [ x: {{ call: x, {A} }} ], metadata: {{ participant: b, compensate: {{ call: undo }} }} }}\n- y: {{ call: y, {B} }}\n"
    assert [one for one in picture(text) if "compensate" in one] == []
    assert "d.compensate" in drawn(projected(text), {})


RETRIED = f"do:\n- t: {{ try: [ x: {{ call: x, {A} }}, y: {{ call: y, metadata: {{ participant: b, event: com.acme.y }} }}, r: {{ raise: {{ error: {{ type: 'https://e.com/e', status: 500 }} }} }} ], catch: {{ retry: {{ delay: PT1S, limit: {{ attempt: {{ count: 2 }} }} }} }} }}\n"
FAULTED = f"{P}.t.y.faulted"


def test_what_goes_on_behind_the_pause_of_a_retry_is_handed_over():
    first, again = rules(RETRIED, "a")
    (entered,) = rules(RETRIED, "b")

    assert [first.on, set(again.on)] == [(f"{P}.start",), {f"{P}.handover", FAULTED}]
    assert set(entered.publish) == {"com.acme.y", f"{P}.handover", FAULTED, f"{P}.ended"}


def test_a_retry_at_once_goes_on_with_the_event_of_what_ended():
    at_once = RETRIED.replace("delay: PT1S, ", "")

    assert set(rules(at_once, "a")[1].on) == {"com.acme.y", FAULTED}
    assert set(rules(at_once, "b")[0].publish) == {"com.acme.y", FAULTED, f"{P}.ended"}


def test_a_retry_that_may_pause_goes_on_either_way():
    may = RETRIED.replace("delay: PT1S", "delay: '${ .pause }'")

    assert set(rules(may, "a")[1].on) == {"com.acme.y", f"{P}.handover", FAULTED}
