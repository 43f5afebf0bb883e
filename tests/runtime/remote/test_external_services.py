"""A service that is not ours is asked by an event, and answers by one, in both control models."""

import asyncio
import json
from contextlib import closing

import msgspec
import pytest
from partners import CAUGHT, ORDER

import batuta
from batuta.adapters.stores.sqlite import SqliteStore
from batuta.ports.bus import Message
from batuta.ports.mail import AGAIN, DEAD, LATE
from batuta.ports.store import Batch

TELLING = """
document: { dsl: '1.0.3', namespace: t, name: w, version: '1.0.0',
  metadata: { participants: { fraud: { external: true } } } }
use: { secrets: [pin] }
do:
  - check:
      call: checkFraud
      with: { pin: '${ $secrets.pin }' }
      metadata: { participant: fraud }
"""


@batuta.function
def book(score: int) -> dict:
    return {"booked": score < 50}


def output_of(row):
    return json.loads(row.output)


async def test_a_request_names_run_task_and_key_and_carries_nothing_but_the_arguments(yard):
    service = await yard.service("completed", {"score": 7})
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 12, "card": "4711"})
        row = await yard.end(conductor, run)
    (request,) = service.heard
    assert output_of(row) == {"booked": True}
    assert request["data"] == {"amount": 12}
    assert request["type"] == "batuta.t.w.check.requested"
    assert (request["batutarun"], request["batutatask"]) == (run, "/do/0/check")
    assert request["batutakey"] == "/do/0/check"
    assert request["batutaidempotency"] == f"{run}/do/0/check"
    assert "batutacall" not in request
    assert "4711" not in json.dumps(request)


async def test_the_same_service_serves_both_control_models_of_the_same_file(yard):
    service = await yard.service("completed", {"score": 80})
    await yard.participant("orders", ORDER, [book])
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 5})
        orchestrated, choreographed = await asyncio.gather(
            yard.end(conductor, run), yard.choreographed(ORDER, {"amount": 6})
        )
        assert conductor.store.parked() == conductor.store.parked(LATE) == []
    assert output_of(orchestrated) == choreographed["output"] == {"booked": False}
    assert sorted(one["data"]["amount"] for one in service.heard) == [5, 6]


async def test_problem_details_are_a_fault_that_the_workflow_catches_in_both_models(yard):
    problem = {"title": "Too many checks", "status": 429, "instance": "/log/1"}
    await yard.service("faulted", problem, task="guarded.check")
    await yard.participant("orders", CAUGHT)
    async with yard.conductor(CAUGHT) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    choreographed = await yard.choreographed(CAUGHT, {"amount": 1})
    assert output_of(row) == choreographed["output"]
    assert output_of(row) == {"status": 429, "why": "Too many checks"}


async def test_an_answer_that_comes_while_the_asker_is_gone_is_taken_by_the_next_one(yard):
    service = await yard.service()
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 1})
        await asyncio.wait_for(service.arrived.wait(), 20)
    await service.reply(service.heard[0], "completed", {"score": 1})
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        assert output_of(await yard.end(conductor, run)) == {"booked": True}
    assert {one["id"] for one in service.heard} == {f"{run}/do/0/check/requested"}


async def test_an_answer_that_does_not_fit_is_put_aside_and_the_run_waits_for_a_right_one(yard):
    service = await yard.service()
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 1})
        await asyncio.wait_for(service.arrived.wait(), 20)
        request = service.heard[0]
        await service.reply(request, "completed", {}, batutatask="/do/1/book")
        await service.reply(request, "faulted", {"status": "high"}, x="1", y="2")
        await service.reply(request, "completed", {"score": 2})
        row = await yard.end(conductor, run)
        assert output_of(row) == {"booked": True}
        reasons = [one.reason for one in conductor.store.parked(DEAD)]
    assert len(reasons) == 2
    assert "answers for /do/1/book" in reasons[0]
    assert "no problem details" in reasons[1]


@pytest.mark.parametrize("mended", [True, False])
async def test_an_answer_that_was_put_aside_is_taken_again_when_somebody_wants_that(yard, mended):
    service = await yard.service()
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 1})
        await asyncio.wait_for(service.arrived.wait(), 20)
        await service.reply(service.heard[0], "completed", {"score": 2}, batutatask="/do/1/book")
        while not conductor.store.parked(DEAD):
            await conductor.durable()
        (dead,) = conductor.store.parked(DEAD)
        with closing(SqliteStore(yard.folder / "runs.db")) as other:
            batch = Batch()
            batch.redriven.append(dead.number)
            if mended:
                body = dead.body.replace(b"/do/1/book", b"/do/0/check")
                batch.unparked.append(dead.number)
                batch.parked.append(msgspec.structs.replace(dead, number=0, why=AGAIN, body=body))
                batch.redriven.clear()
            other.commit(batch)
        if mended:
            assert output_of(await yard.end(conductor, run)) == {"booked": True}
            assert not conductor.store.parked(DEAD)
        else:
            while [one.number for one in conductor.store.parked(DEAD)] in ([], [dead.number]):
                await conductor.durable()
            (again,) = conductor.store.parked(DEAD)
            assert (again.id, again.attempts) == (dead.id, dead.attempts + 1)
        assert not conductor.store.parked(AGAIN)


async def test_a_second_answer_is_noted_as_late_and_changes_nothing(yard):
    service = await yard.service("completed", {"score": 1})
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        run = await yard.begin(conductor, {"amount": 1})
        row = await yard.end(conductor, run)
        await service.reply(service.heard[0], "completed", {"score": 99}, again="yes")
        while not conductor.store.parked(LATE):
            await conductor.durable()
        (late,) = conductor.store.parked(LATE)
        assert (late.run, late.why) == (run, LATE)
        assert output_of(conductor.store.run(run)) == output_of(row) == {"booked": True}


async def test_an_answer_that_comes_again_under_another_number_is_known(yard):
    await yard.service("completed", {"score": 1})
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
        kind = "batuta.t.w.check.completed"
        (answer,) = await yard.bus.history(types=frozenset({kind}))
        await yard.bus.publish([Message("not what it was called", kind, answer.body)])
        # The answer to the next one comes behind it.
        await yard.end(conductor, await yard.begin(conductor, {"amount": 2}))
        assert conductor.store.parked(DEAD) == conductor.store.parked(LATE) == []


async def test_an_answer_for_a_run_of_another_conductor_is_no_news(yard):
    service = await yard.service("completed", {"score": 1})
    strange = {"batutarun": "NOBODY", "batutatask": "/do/0/check", "batutakey": "/do/0/check"}
    async with yard.conductor(ORDER, functions=[book]) as conductor:
        await service.reply(strange, "completed", {"score": 5})
        await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
        assert conductor.store.parked(DEAD) == conductor.store.parked(LATE) == []


async def test_without_a_bus_the_task_faults_and_says_so(yard):
    async with yard.conductor(ORDER, bus=False, functions=[book]) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    assert row.status == "faulted"
    assert "there is no bus here" in json.loads(row.fault)["detail"]


async def test_a_secret_is_never_sent_to_a_service_that_is_not_ours(yard):
    service = await yard.service("completed", {})
    async with yard.conductor(TELLING, secrets={"pin": "9876-5432"}) as conductor:
        row = await yard.end(conductor, await yard.begin(conductor, {}))
    assert row.status == "faulted"
    assert "hold a secret" in json.loads(row.fault)["detail"]
    assert service.heard == []
    assert "9876" not in "".join(one.body.decode() for one in await yard.bus.history())


async def test_an_answer_that_comes_to_a_process_that_does_not_drive_the_run_reaches_it(yard):
    service = await yard.service()
    async with yard.conductor(ORDER, functions=[book]) as asker:
        run = await yard.begin(asker, {"amount": 1})
        await asyncio.wait_for(service.arrived.wait(), 20)
        async with yard.conductor(ORDER, functions=[book]) as other:
            # Only the other one hears from now on: the consumer is the store's, they share it.
            await asker._answers.stop()
            await service.reply(service.heard[0], "completed", {"score": 3})
            row = await yard.end(asker, run)
            assert other.runs == {}
    assert output_of(row) == {"booked": True}
    kept = SqliteStore(yard.folder / "runs.db")
    assert kept.parked(DEAD) == kept.parked(LATE) == []
    kept.close()


async def test_a_participant_of_ours_performs_what_a_conductor_asks_of_it(yard):
    participant = await yard.participant("orders", ORDER, [book])
    async with yard.conductor(ORDER, remote=frozenset({"orders"})) as conductor:
        await yard.service("completed", {"score": 1})
        row = await yard.end(conductor, await yard.begin(conductor, {"amount": 1}))
    assert row.status == "completed"
    assert participant.mail.parked(DEAD) == []
