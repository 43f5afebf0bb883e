"""Secret values are nowhere but at the moment of use: not in the file, not in what is shown."""

import batuta

from .conftest import workflow

VALUE = "hunter2-and-more"
HEAD = "use: { secrets: [ pin ] }"


async def test_a_secret_is_used_and_leaves_no_trace(desk, caplog):
    seen = []

    @batuta.function
    async def login(password: str):
        seen.append(password)
        return {"greeting": f"your password is {password}"}

    engine = await desk.open(functions=[login], secrets={"pin": VALUE})
    emit = "{ with: { source: https://x.y, type: said, data: { pin: '${ $secrets.pin }' } } }"
    do = (
        "- a: { call: login, with: { password: '${ $secrets.pin }' } }\n"
        f"- b: {{ emit: {{ event: {emit} }} }}\n"
        "- c: { set: { all: '${ [ $secrets, $input ] }' } }\n"
        "- d: { wait: { hours: 1 } }"
    )
    run = await desk.run(engine, do, head=HEAD)
    await desk.clock.settle()
    for one in (engine, await desk.open(desk.crash(), functions=[login], secrets={"pin": VALUE})):
        shown = repr(one.tasks(run.id))
        assert "***" in shown
        assert VALUE not in shown
        assert "secret:" not in shown
    await desk.clock.advance(hours=1)

    assert seen == [VALUE]
    view = engine.show(run.id)
    assert view.output["all"][0] == {"pin": "***"}
    assert engine.events()[0].event["data"] == {"pin": "***"}
    assert "secret:" not in repr((view, engine.events()))
    assert VALUE.encode() not in desk.bytes()
    assert VALUE not in caplog.text


async def test_a_secret_in_a_fault_is_shown_as_stars(desk):
    engine = await desk.open(secrets={"pin": VALUE})
    error = (
        "{ type: 'https://x.y/z', status: 400, title: T, detail: '${ \"no: \" + $secrets.pin }' }"
    )
    view = await (
        await desk.run(engine, f"- a: {{ raise: {{ error: {error} }} }}", head=HEAD)
    ).result(5)
    assert view.error["detail"] == "no: ***"
    assert VALUE.encode() not in desk.bytes()


async def test_a_sub_workflow_gets_stars_and_gives_stars(desk):
    engine = await desk.open(secrets={"pin": VALUE})
    await engine.deploy(
        workflow("- a: { set: { x: '${ .x }', y: '${ $secrets.pin }' } }", name="child", head=HEAD)
    )
    sub = (
        "- a: { run: { workflow: { namespace: t, name: child, version: 1.0.0, "
        "input: { x: '${ $secrets.pin }' } } } }"
    )
    view = await (await desk.run(engine, sub, head=HEAD)).result(5)
    assert view.output == {"x": "***", "y": "***"}


async def test_a_missing_secret_is_a_fault_that_says_how_to_give_it(desk):
    engine = await desk.open()
    other = await desk.run(engine, "- a: { set: { b: 1 } }", name="other")
    view = await (await desk.run(engine, "- a: { set: { b: 1 } }", head=HEAD)).result(5)
    assert view.status == "faulted"
    assert (view.error["status"], view.error["type"][-14:]) == (403, "/authorization")
    assert "pin" in view.error["detail"]
    assert (await other.result(5)).status == "completed"


async def test_a_secret_is_there_again_after_a_restart(desk):
    seen = []

    @batuta.function
    async def login(password: str):
        seen.append(password)

    engine = await desk.open(functions=[login], secrets={"pin": VALUE})
    do = (
        "- d: { wait: { hours: 1 } }\n- a: { call: login, with: { password: '${ $secrets.pin }' } }"
    )
    await desk.run(engine, do, head=HEAD)
    await desk.clock.settle()
    again = await desk.open(desk.crash(), resume=True, functions=[login], secrets={"pin": VALUE})
    await desk.clock.advance(hours=1)
    assert seen == [VALUE, VALUE]
    assert again.runs()[0].status == "completed"
