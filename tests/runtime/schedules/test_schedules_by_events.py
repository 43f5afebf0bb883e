"""Schedules that go by events: `schedule.on` with one, any and all."""

from __future__ import annotations

import pytest

import batuta

ONE = "{ on: { one: { with: { type: order } } } }"
BOTH = "{ on: { all: [ { with: { type: paid } }, { with: { type: packed } } ] } }"
BY_ORDER = """{ on: { all: [
    { with: { type: paid }, correlate: { order: { from: .data.order } } },
    { with: { type: packed }, correlate: { order: { from: .data.order } } } ] } }"""
ECHO = "[ { keep: { set: { given: '${ [ .[].data ] }' } } } ]"


async def publish(office, engine, *events: tuple[str, object]) -> None:
    for kind, data in events:
        await engine.publish(kind, data)
    await office.clock.settle()


async def test_a_run_is_given_the_array_of_envelopes(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE)
    event = await engine.publish("order", {"id": 7}, subject="A7")
    await office.clock.settle()
    assert inputs(engine) == [[event]]


async def test_reading_data_gives_the_data_only(office, inputs):
    engine = await office.open()
    await office.deploy(engine, "{ on: { one: { with: { type: order } } }, read: data }")
    await publish(office, engine, ("order", {"id": 7}))
    assert inputs(engine) == [[{"id": 7}]]


async def test_one_starts_a_run_for_each_event(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    await publish(office, engine, ("order", 1), ("other", 2), ("order", 3), ("order", 4))
    assert inputs(engine) == [[1], [3], [4]]


async def test_any_starts_a_run_for_each_event_of_any_kind(office, inputs):
    engine = await office.open()
    on = "{ on: { any: [ { with: { type: a } }, { with: { type: b } } ] } }"
    await office.deploy(engine, on, do=ECHO)
    await publish(office, engine, ("b", 1), ("c", 2), ("a", 3))
    assert inputs(engine) == [[1], [3]]


async def test_any_until_gathers_events_for_one_run(office, inputs):
    engine = await office.open()
    on = "{ on: { any: [ { with: { type: a } } ], until: '${ length == 2 }' } }"
    await office.deploy(engine, on, do=ECHO)
    await publish(office, engine, *[("a", n) for n in range(5)])
    assert inputs(engine) == [[0, 1], [2, 3]]
    await publish(office, engine, ("a", 5))
    assert inputs(engine) == [[0, 1], [2, 3], [4, 5]]


async def test_all_starts_a_run_when_each_has_come_in_the_order_of_the_filters(office, inputs):
    engine = await office.open()
    await office.deploy(engine, BOTH, do=ECHO)
    await publish(office, engine, ("packed", 1), ("packed", 2), ("paid", 3))
    assert inputs(engine) == [[3, 1]]
    await publish(office, engine, ("paid", 4))
    assert inputs(engine) == [[3, 1], [4, 2]]


async def test_groups_of_correlated_events_may_lie_between_each_other(office, inputs):
    engine = await office.open()
    await office.deploy(engine, BY_ORDER, do=ECHO)
    a, b, c = {"order": "a"}, {"order": "b"}, {"order": "c"}
    await publish(office, engine, ("paid", a), ("packed", b), ("paid", b), ("packed", c))
    await publish(office, engine, ("packed", a), ("paid", c))
    assert sorted(one[0]["order"] + one[1]["order"] for one in inputs(engine)) == ["aa", "bb", "cc"]


async def test_a_group_that_is_never_complete_keeps_no_other_waiting(office, inputs):
    engine = await office.open()
    await office.deploy(engine, BY_ORDER, do=ECHO)
    for number in range(300):
        await engine.publish("paid", {"order": f"never-{number}"})
    await publish(office, engine, ("paid", {"order": "a"}), ("packed", {"order": "a"}))
    assert inputs(engine) == [[{"order": "a"}, {"order": "a"}]]


async def test_events_of_a_complete_group_that_are_left_over_begin_the_next(office, inputs):
    engine = await office.open()
    await office.deploy(engine, BY_ORDER, do=ECHO)
    first, second = {"order": "a", "n": 1}, {"order": "a", "n": 2}
    await publish(office, engine, ("paid", first), ("paid", second))
    await publish(office, engine, ("packed", first))
    assert inputs(engine) == [[first, first]]
    await publish(office, engine, ("packed", second))
    assert inputs(engine) == [[first, first], [second, second]]


async def test_an_event_without_the_value_that_groups_belongs_to_none(office, inputs):
    engine = await office.open()
    await office.deploy(engine, BY_ORDER, do=ECHO)
    await publish(office, engine, ("paid", {}), ("packed", {}))
    assert inputs(engine) == []


async def test_a_group_waits_no_longer_than_runs_are_kept(office, inputs):
    engine = await office.open(settings=batuta.Settings(retention_days=2))
    await office.deploy(engine, BY_ORDER, do=ECHO)
    await publish(office, engine, ("paid", {"order": "a"}))
    await office.clock.advance(days=3)
    await engine.serving.look_after()
    await publish(office, engine, ("packed", {"order": "a"}))
    assert inputs(engine) == []


async def test_what_needs_the_sandbox_is_gathered_by_the_listen_itself(office, inputs):
    engine = await office.open()
    by_text = BY_ORDER.replace(".data.order", "'.data.order | test(\"^a\")'")
    await office.deploy(engine, by_text, do=ECHO)
    a, b = {"order": "a"}, {"order": "b"}
    await publish(office, engine, ("paid", a), ("packed", b), ("paid", b), ("packed", a))
    assert sorted(one[0]["order"] + one[1]["order"] for one in inputs(engine)) == ["aa", "bb"]


async def test_a_burst_of_events_starts_a_run_for_each_in_order(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    batch = engine.conductor.committer.batch
    for number in range(2_000):
        event = {"specversion": "1.0", "id": f"{number}", "source": "/t", "type": "order"}
        batch.events.append((office.clock.now(), {**event, "data": number}))
    await engine.conductor.durable()
    await office.clock.settle()
    views = engine.runs(limit=5_000)
    assert sorted(view.output["given"][0] for view in views) == list(range(2_000))


async def test_a_filter_that_needs_the_sandbox_loses_no_event(office, inputs):
    engine = await office.open()
    on = "{ on: { one: { with: { type: order, data: '${ .n | tostring | test(\"^[13]$\") }' } } } }"
    await office.deploy(engine, on, do=ECHO)
    await publish(office, engine, *[("order", {"n": n}) for n in range(5)])
    assert inputs(engine) == [[{"n": 1}], [{"n": 3}]]


async def test_an_event_that_breaks_the_filter_is_left_alone_and_the_next_is_heard(office, inputs):
    engine = await office.open()
    on = "{ on: { one: { with: { type: order, data: '${ .n + 1 > 0 }' } } } }"
    await office.deploy(engine, on, do=ECHO)
    await publish(office, engine, ("order", {"n": "x"}), ("order", {"n": 2}))
    assert inputs(engine) == [[{"n": 2}]]


async def test_an_event_published_twice_starts_one_run(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    for _ in range(2):
        await engine.publish("order", 1, source="/shop", event_id="1")
        await office.clock.settle()
    assert inputs(engine) == [[1]]


async def test_a_run_that_faults_takes_its_event_with_it(office, times):
    engine = await office.open()
    no = "[ { no: { raise: { error: { type: 'https://acme.example/no', status: 500 } } } } ]"
    await office.deploy(engine, ONE, do=no)
    await publish(office, engine, ("order", 1), ("order", 2))
    assert [view.status for view in engine.runs()] == ["faulted", "faulted"]


async def test_triggers_are_in_no_list_and_are_not_resumed_without_serving(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    await publish(office, engine, ("order", 1))
    assert [view.workflow for view in engine.runs()] == ["office/report"]
    assert engine.store.owners() == []
    assert engine.store.owners(hidden=True) == [engine.conductor.owner]
    await office.close(engine)
    other = await office.open(serve=False, resume=True)
    assert other.store.owners(hidden=True) == [engine.conductor.owner]
    await publish(office, other, ("order", 2))
    assert inputs(other) == [[1]]
    await office.serve(other)
    assert inputs(other) == [[1], [2]]


@pytest.mark.parametrize(
    ("schedule", "before", "while_away", "expected"),
    [
        (ONE, [("order", 1)], [("order", 2), ("order", 3)], [[1], [2], [3]]),
        (BOTH, [("paid", 1)], [("packed", 2)], [[1, 2]]),
        (BOTH, [("paid", 1), ("paid", 2), ("packed", 3)], [("packed", 4)], [[1, 3], [2, 4]]),
    ],
)
async def test_events_published_while_nobody_serves_are_heard_later(
    office, inputs, schedule, before, while_away, expected
):
    engine = await office.open()
    await office.deploy(engine, schedule, do=ECHO)
    await publish(office, engine, *before)
    await office.close(engine)
    publisher = await office.open(serve=False)
    await publish(office, publisher, *while_away)
    await office.close(publisher)
    await office.clock.advance(days=1)
    engine = await office.open()
    assert inputs(engine) == expected


async def test_a_crash_at_any_moment_starts_each_run_once(office, inputs):
    """Every state of the file that a burst leaves on its way is one that a crash may leave."""
    engine = await office.open()
    await office.deploy(engine, BY_ORDER, do=ECHO)
    crashed = []
    orders = [{"order": name} for name in "abc"]
    for kind, data in [("paid", one) for one in orders] + [("packed", one) for one in orders]:
        await engine.publish(kind, data)
        crashed.append((office.after_crash(), kind, data))
        await office.clock.settle()
        crashed.append((office.after_crash(), kind, data))
    await office.close(engine)
    sequence = [("paid", one) for one in orders] + [("packed", one) for one in orders]
    for index, (name, _, _) in enumerate(crashed):
        again = await office.open(name)
        await publish(office, again, *sequence[index // 2 + 1 :])
        assert sorted(one[0]["order"] + one[1]["order"] for one in inputs(again)) == [
            "aa",
            "bb",
            "cc",
        ], f"crash {index}"
        await office.close(again)


async def test_two_engines_that_serve_one_store_start_one_run_per_event(office, inputs):
    one, other = await office.open(), await office.open()
    await office.deploy(one, ONE, do=ECHO)
    other.serving.schedules.nudge()
    await office.clock.settle()
    await publish(office, one, ("order", 1), ("order", 2))
    await publish(office, other, ("order", 3))
    assert inputs(one) == [[1], [2], [3]]
    await office.close(one)
    await publish(office, other, ("order", 4))
    await other.serving.look_after()
    await office.clock.settle()
    assert inputs(other) == [[1], [2], [3], [4]]


async def test_an_engine_that_was_thought_dead_cannot_start_what_another_has_started(
    office, inputs
):
    robbed, heir = await office.open(), await office.open()
    await office.deploy(robbed, BOTH, do=ECHO)
    await publish(office, robbed, ("paid", 1))
    lease = office.folder / "office.db.conductors" / robbed.conductor.owner
    lease.unlink()
    await heir.serving.look_after()
    await publish(office, heir, ("packed", 2))
    await publish(office, robbed, ("paid", 3), ("packed", 4))
    assert inputs(heir) == [[1, 2], [3, 4]]


async def test_a_new_version_that_waits_for_the_same_goes_on_where_the_old_one_stopped(
    office, inputs
):
    engine = await office.open()
    await office.deploy(engine, BOTH, do=ECHO)
    await publish(office, engine, ("paid", 1))
    do = "[ { keep: { set: { given: '${ [ .[].data, \"new\" ] }' } } } ]"
    await office.deploy(engine, BOTH, do=do, version="1.1.0")
    await publish(office, engine, ("packed", 2))
    assert inputs(engine) == [[1, 2, "new"]]
    assert [view.version for view in engine.runs()] == ["1.1.0"]


async def test_a_new_version_that_waits_for_something_else_begins_now(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    await publish(office, engine, ("order", 1), ("offer", 2))
    offer = "{ on: { one: { with: { type: offer } } } }"
    await office.deploy(engine, offer, do=ECHO, version="2.0.0")
    await publish(office, engine, ("order", 3), ("offer", 4))
    assert sorted(inputs(engine)) == [[1], [4]]


async def test_a_new_version_deployed_while_nobody_served_loses_nothing(office, inputs):
    engine = await office.open()
    await office.deploy(engine, ONE, do=ECHO)
    await publish(office, engine, ("order", 1))
    await office.close(engine)
    other = await office.open(serve=False)
    await publish(office, other, ("order", 2))
    await office.deploy(other, ONE, do=ECHO, version="1.1.0")
    await publish(office, other, ("order", 3))
    await office.close(other)
    engine = await office.open()
    await office.clock.settle()
    assert inputs(engine) == [[1], [2], [3]]
    assert [view.version for view in engine.runs()] == ["1.1.0", "1.1.0", "1.0.0"]
