"""Whatever comes along the bus has a defined end, and holds up nothing that comes behind it."""

import json
from itertools import pairwise

import pytest

from batuta.definition import check
from batuta.ports.bus import Delivered
from batuta.ports.mail import AGAIN, DEAD, LATE, Parked

TEXT = """\
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0' }
do:
  - first: { call: act, with: { x: '${ .x }' }, metadata: { participant: one } }
  - second: { call: act, with: { x: '${ . }' }, metadata: { participant: two } }
"""
NEWER = TEXT.replace("1.0.0", "1.1.0")
DIGEST = check(TEXT).workflow.digest


@pytest.fixture
async def both(place, act):
    """Both participants of the workflow."""
    return [await place.joins(name, TEXT, [act]) for name in ("one", "two")]


async def goes_on(place, run="after"):
    """See that a run which comes behind goes its way."""
    await place.start(TEXT, run, {"x": 1})
    assert await place.ended(run) == {"status": "completed", "output": 3}


def handed(place, run, hand, **attributes):
    """Return an event that hands something over."""
    kind = "batuta.t.w.first.completed"
    hand = hand if isinstance(hand, str) else json.dumps(hand)
    return kind, place.about(TEXT, run, kind, f"{run}/handed", 2, batutahand=hand, **attributes)


async def real_hand(place, run="model"):
    """Return the hand with which the first participant hands a run to the second."""
    await goes_on(place, run)
    (told,) = await place.told("batuta.t.w.first.completed", run)
    return json.loads(told["batutahand"])


# -- what is not what it would have to be ----------------------------------------------------------

MALFORMED = {
    "no JSON": (b"\xff\xfe", "no CloudEvent in JSON"),
    "no object": (b"[1, 2]", "no CloudEvent in JSON"),
    "no id": (b'{"source": "/s", "type": "batuta.t.w.control"}', "missing required field `id`"),
    "a run that is no text": (
        b'{"id": "1", "source": "/s", "type": "batuta.t.w.control", "batutarun": 7}',
        "Expected `str",
    ),
    "no run": (b'{"id": "1", "source": "/s", "type": "batuta.t.w.control"}', "it names no run"),
    "another type": (b'{"id": "1", "source": "/s", "type": "t.other"}', "its type is t.other"),
    "nested too deep": (b'{"id": ' + b"[" * 100_000, "no CloudEvent in JSON"),
}


@pytest.mark.parametrize(("body", "reason"), MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_message_is_put_aside_at_once_with_the_reason(place, both, body, reason):
    await place.publish("batuta.t.w.control", body)

    for driver in both:
        (said,) = await place.dead(driver)
        assert reason in said
        (parked,) = driver.mail.parked(DEAD)
        assert (parked.body, parked.attempts) == (body, 1)
    await goes_on(place)


WRONG = {
    "a wish that nobody knows": ({"data": {"what": "explode"}}, "it asks to 'explode'"),
    "a wish that is none": ({"data": 7}, "what it tells cannot be read"),
    "a workflow that is not here": (
        {"batutaworkflow": "t/other:1.0.0", "batutadigest": None, "data": {"what": "cancel"}},
        "workflow 't/other:1.0.0', which is not deployed here",
    ),
}


@pytest.mark.parametrize(("attributes", "reason"), WRONG.values(), ids=WRONG)
async def test_a_wish_that_cannot_be_read_is_put_aside(place, both, attributes, reason):
    kind = "batuta.t.w.control"
    await place.publish(kind, place.about(TEXT, "r", kind, "wish", **attributes))

    for driver in both:
        (said,) = await place.dead(driver)
        assert reason in said
    await goes_on(place)


@pytest.mark.parametrize("hand", ["", "{}", '{"facts": {"run": "r"}, "tokens": [{}]}'])
async def test_a_hand_that_cannot_be_read_is_put_aside(place, both, hand):
    await place.publish(*handed(place, "r", hand))

    (said,) = await place.dead(both[1])
    assert "cannot be read" in said
    await goes_on(place)


async def test_a_hand_about_another_run_than_its_event_is_put_aside(place, both):
    hand = await real_hand(place)
    await place.publish(*handed(place, "stranger", hand))

    (said,) = await place.dead(both[1])
    assert "is not about run stranger" in said


async def test_a_hand_into_a_task_that_does_not_exist_is_put_aside(place, both, done):
    hand = await real_hand(place)
    hand["facts"]["run"] = "r"
    hand["tokens"][0]["token"]["entering"] = "/do/9/nowhere"
    await place.publish(*handed(place, "r", hand))

    (said,) = await place.dead(both[1])
    assert "has no task '/do/9/nowhere' to enter" in said
    assert len(done) == 2


async def test_an_end_that_is_none_is_put_aside(place, both):
    kind = "batuta.t.w.ended"
    told = place.about(TEXT, "r", kind, "r/ended", {"status": "exploded"})
    await place.publish(kind, told)

    for driver in both:
        (said,) = await place.dead(driver)
        assert "does not end as 'exploded'" in said


async def test_a_type_that_nobody_hears_stays_on_the_bus_and_harms_nobody(place, both):
    kind = "batuta.t.w.nonsense"
    await place.publish(kind, place.about(TEXT, "r", kind, "what"))
    await goes_on(place)

    assert len(await place.told(kind)) == 1
    assert [one.mail.parked(DEAD) for one in both] == [[], []]


async def test_a_type_that_is_none_of_its_workflow_is_put_aside_by_who_hears_all(place, act):
    hears_all = TEXT + "  - last: { listen: { to: { any: [] } }, metadata: { participant: two } }\n"
    driver = await place.joins("two", hears_all, [act])
    kind = "batuta.t.w.nonsense"
    await place.publish(kind, place.about(hears_all, "r", kind, "what"))
    elsewhere = place.about(hears_all, "r", kind, "else", batutaworkflow="t/other:1.0.0")
    await place.publish(kind, {**elsewhere, "batutadigest": None})

    (said,) = await place.dead(driver)
    assert "its type is none of t/w:1.0.0" in said


# -- versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["version", "digest"])
async def test_what_is_of_a_version_that_is_not_here_is_tried_then_put_aside(place, both, change):
    attributes = {
        "version": {"batutaworkflow": "t/w:1.1.0", "batutadigest": None},
        "digest": {"batutadigest": "0" * 64},
    }[change]
    await place.start(TEXT, "r", {"x": 1}, **attributes)

    (said,) = await place.dead(both[0])
    assert said.startswith("tried 5 times: ")
    assert both[0].mail.parked(DEAD)[0].attempts == 5
    await goes_on(place)


async def test_a_version_that_comes_in_time_loses_nothing(place, act, done):
    async with place.participant("one", TEXT, [act]):
        await place.start(NEWER, "r", {"x": 1})
        await place.until(lambda: place.told("batuta.t.w.start"))
    await place.joins("one", NEWER, [act])
    await place.joins("two", NEWER, [act])

    assert (await place.ended("r"))["output"] == 3
    assert done == ["r/do/0/first", "r/do/1/second"]


# -- runs that are not as the message has it -------------------------------------------------------


async def test_an_answer_for_a_run_that_does_not_exist_concerns_nobody_here(place, both):
    kind = "batuta.t.w.first.completed"
    await place.publish(kind, place.about(TEXT, "none", kind, "a", 1, batutakey="/do/0/first"))
    await goes_on(place)

    assert [one.mail.parked(why) for one in both for why in (DEAD, LATE)] == [[]] * 4


async def test_a_run_that_is_cancelled_before_it_began_never_begins(place, both, done):
    kind = "batuta.t.w.control"
    await place.publish(kind, place.about(TEXT, "r", kind, "wish", {"what": "cancel"}))
    assert (await place.ended("r"))["status"] == "cancelled"
    await place.start(TEXT, "r", {"x": 1})

    assert await place.late(both[0]) == ["its run has begun or ended before"]
    assert done == []
    await place.until(lambda: both[1].store.run("r").status == "cancelled")


@pytest.mark.parametrize("what", ["suspend", "resume"])
async def test_a_wish_for_a_run_that_never_began_is_kept_until_the_run_is_cancelled(
    place, both, what
):
    kind = "batuta.t.w.control"
    for wish in (what, "cancel"):
        await place.publish(kind, place.about(TEXT, "none", kind, wish, {"what": wish}))

    assert (await place.ended("none"))["status"] == "cancelled"
    for driver in both:
        await place.until(lambda one=driver: one.store.run("none").status == "cancelled")


async def test_a_start_that_comes_behind_what_is_asked_of_the_run_is_heeded(place, both):
    kind = "batuta.t.w.control"
    for what in ("suspend", "resume"):
        await place.publish(kind, place.about(TEXT, "r", kind, what, {"what": what}))
    await place.start(TEXT, "r", {"x": 1})

    assert (await place.ended("r"))["output"] == 3
    await place.done_with("one")
    assert both[0].mail.parked(DEAD) == []


async def test_a_wish_that_a_later_one_has_overtaken_changes_nothing(place, both):
    kind = "batuta.t.w.control"
    for run, what in (("other", "resume"), ("r", "resume")):
        await place.publish(kind, place.about(TEXT, run, kind, f"{what} {run}", {"what": what}))
    about = place.about(TEXT, "r", kind, "overtaken", {"what": "suspend"})
    overtaken = Delivered(1, "overtaken", kind, json.dumps(about).encode(), 1)
    for driver in both:
        await place.until(lambda one=driver: one.runs.get("r"))
        place.wish(driver, parked=[Parked.of(overtaken, at=0, why=AGAIN, reason="it was away")])
        assert await place.late(driver) == ["a later wish came before it"]
    await place.start(TEXT, "r", {"x": 1})

    assert (await place.ended("r"))["output"] == 3


async def test_a_participant_that_was_suspended_before_its_first_token_knows_the_run(place, both):
    kind = "batuta.t.w.control"
    hand = await real_hand(place)
    hand["facts"]["run"] = "r"
    await place.publish(kind, place.about(TEXT, "r", kind, "wish", {"what": "suspend"}))
    await place.until(lambda: both[1].runs.get("r"))
    await place.publish(*handed(place, "r", hand))
    await place.until(lambda: both[1].runs["r"].state.is_known)

    state = both[1].runs["r"].state
    assert (state.status, state.input) == ("suspended", {"x": 1})


async def test_what_comes_for_a_run_that_was_cancelled_is_late(place, both, done):
    hand = await real_hand(place)
    hand["facts"]["run"] = "r"
    kind = "batuta.t.w.control"
    await place.publish(kind, place.about(TEXT, "r", kind, "wish", {"what": "cancel"}))
    await place.ended("r")
    await place.until(lambda: both[1].store.run("r").ended_at)
    await place.publish(*handed(place, "r", hand))

    assert await place.late(both[1]) == ["its run has ended"]
    assert len(done) == 2


async def test_a_duplicate_months_later_is_known_before_and_after_the_run_is_forgotten(
    place, both, done
):
    await goes_on(place, "r")
    messages = await place.bus.history()
    for forgotten in (False, True):
        await place.clock.advance(days=100)
        if forgotten:
            for driver in both:
                await place.until(lambda one=driver: one.store.run("r").ended_at)
                driver.store.purge(place.clock.now())
        for one in messages:
            # The bus knows an id for ever; a broker does not, and gives the message a new number.
            await place.publish(one.type, one.body, name=f"{one.id}\n{forgotten}")
        for name in ("one", "two"):
            await place.done_with(name)

    assert len(done) == 2
    assert [one.mail.parked(DEAD) for one in both] == [[], []]
    assert len(await place.told("batuta.t.w.ended", "r")) == 3
    assert {one.reason for driver in both for one in driver.mail.parked(LATE)} == {
        "its run has begun or ended before",
        "its run has ended",
    }


async def test_a_participant_that_is_gone_for_an_hour_goes_on_where_it_was(place, act, done):
    await place.joins("one", TEXT, [act])
    async with place.participant("two", TEXT, [act]):
        await goes_on(place, "before")
    for number in range(5):
        await place.start(TEXT, f"r{number}", {"x": number})
    await place.done_with("one")
    await place.clock.advance(hours=1)
    assert await place.told("batuta.t.w.ended", "r0") == []
    await place.joins("two", TEXT, [act])

    for number in range(5):
        assert (await place.ended(f"r{number}"))["output"] == number + 2
    assert len(done) == len(set(done)) == 12


# -- poison ----------------------------------------------------------------------------------------


async def test_what_a_run_cannot_take_is_put_aside_and_the_run_stands(place, both, done):
    hand = await real_hand(place)
    hand["facts"]["run"] = "r"
    broken = json.loads(json.dumps(hand))
    broken["tokens"][0]["token"]["carried"] = 99
    await place.publish(*handed(place, "r", broken))

    (said,) = await place.dead(both[1])
    assert "while run (new) took Opened" in said
    assert both[1].mail.parked(DEAD)[0].run == "r"
    assert (both[1].runs["r"].problem, len(done)) == (None, 2)
    kind, told = handed(place, "r", hand)
    await place.publish(kind, {**told, "id": "r/better"})
    assert (await place.ended("r"))["output"] == 3


async def test_what_always_fails_is_tried_five_times_and_holds_nothing_up(place, both, monkeypatch):
    tried = []

    def fail(*_, **__):
        tried.append(place.clock.now())
        raise OSError("the disk is on fire")

    monkeypatch.setattr(both[0].receiving, "_asked", fail)
    kind = "batuta.t.w.control"
    await place.publish(kind, place.about(TEXT, "r", kind, "wish", {"what": "cancel"}))
    await goes_on(place)

    (said,) = await place.dead(both[0])
    assert said == "tried 5 times: OSError('the disk is on fire')"
    assert len(tried) == 5
    pauses = [late - early for early, late in pairwise(tried)]
    assert pauses == sorted(pauses)


# -- what a person does about it -------------------------------------------------------------------


async def test_what_was_put_aside_is_taken_again_when_its_version_has_come(place, act, done):
    async with place.participant("one", TEXT, [act]) as driver:
        await place.start(NEWER, "r", {"x": 1})
        await place.dead(driver)
    driver = await place.joins("one", NEWER, [act])
    await place.joins("two", NEWER, [act])
    (dead,) = driver.mail.parked(DEAD)
    place.wish(driver, redriven=[dead.number])

    assert (await place.ended("r"))["output"] == 3
    await place.until(lambda: not driver.mail.parked(AGAIN))
    assert driver.mail.parked(DEAD) == []
    assert done == ["r/do/0/first", "r/do/1/second"]


async def test_what_is_to_be_taken_again_is_taken_by_the_next_start(place, act):
    async with place.participant("one", TEXT, [act]) as driver:
        await place.start(NEWER, "r", {"x": 1})
        await place.dead(driver)
        place.wish(driver, redriven=[one.number for one in driver.mail.parked(DEAD)])
        driver.hearing.stop()
    await place.joins("two", NEWER, [act])
    await place.joins("one", NEWER, [act])

    assert (await place.ended("r"))["output"] == 3


async def test_what_still_cannot_be_taken_is_put_aside_again_at_once(place, both):
    await place.start(TEXT, "r", {"x": 1}, batutadigest="0" * 64)
    await place.dead(both[0])
    (dead,) = both[0].mail.parked(DEAD)
    place.wish(both[0], redriven=[dead.number])

    await place.until(lambda: [one.attempts for one in both[0].mail.parked(DEAD)] == [6])
    assert both[0].mail.parked(AGAIN) == []


async def test_what_was_taken_meanwhile_is_not_taken_twice_by_redriving(place, both, done):
    await goes_on(place, "r")
    (start,) = await place.bus.history(types=frozenset({"batuta.t.w.start"}))
    await place.publish("batuta.t.w.start", b"{}", name="dead")
    await place.dead(both[0])
    (dead,) = both[0].mail.parked(DEAD)
    place.wish(both[0], unparked=[dead.number])
    await place.publish(start.type, start.body, name="again")
    await place.done_with("one")

    assert both[0].mail.parked(DEAD) == []
    assert len(done) == 2
