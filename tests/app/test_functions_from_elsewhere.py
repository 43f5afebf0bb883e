"""Functions of catalogues and addresses: found, checked and kept when a workflow is deployed."""

import pytest

import batuta
from batuta.errors import DefinitionError, RequestError

ONE = "{catalogs: {one: {endpoint: 'https://one.example'}}}"
BOTH = (
    "{catalogs: {one: {endpoint: 'https://one.example'}, two: {endpoint: 'https://two.example'}}}"
)
SHOUT = """\
input: {schema: {document: {type: object, required: [text]}}}
set: '${ {said: (.text | ascii_upcase)} }'
"""
CALL = "{call: 'shout:1.0.0@one', with: {text: hello}}"


def only_problem(error: DefinitionError):
    (problem,) = error.problems
    return problem


async def test_a_function_of_a_catalogue_is_run(opened, web, workflow, result):
    uri = web.function("shout:1.0.0", SHOUT)
    async with opened() as engine:
        view = await result(engine, workflow(CALL, use=ONE))

        assert view.output == {"said": "HELLO"}
        assert web.asked == [uri]
        assert [task.reference for task in engine.tasks(view.id)] == [
            "/do/0/step0",
            "/functions/shout:1.0.0@one",
        ]


async def test_a_function_is_kept_with_the_workflow(opened, web, workflow):
    web.function("shout:1.0.0", SHOUT)
    text = workflow(CALL, use=ONE)
    async with opened() as engine:
        identity = await engine.deploy(text)
    web.is_down = True
    async with opened() as engine:
        assert await engine.deploy(text) == identity
        assert await engine.deploy(text, replace=True) == identity
        run = await engine.start(identity)
        assert (await run.result(10)).output == {"said": "HELLO"}


async def test_a_run_goes_on_with_its_functions_after_a_restart(opened, web, workflow):
    web.function("pause:1.0.0", "do:\n- hear: {listen: {to: {one: {with: {type: go}}}}}\n")
    async with opened() as engine:
        text = workflow("{call: 'pause:1.0.0@one'}", use=ONE)
        run = await engine.start(await engine.deploy(text))
        await engine.settled()
    web.is_down = True
    async with opened() as engine:
        await engine.publish("go", {"n": 1})
        assert (await engine.result(run.id, 10)).output == [{"n": 1}]


async def test_a_function_has_an_address_of_its_own(opened, web, workflow, result):
    raw = "https://raw.githubusercontent.com/acme/functions/refs/heads/main/shout/function.yaml"
    web.files[raw] = SHOUT
    page = "https://github.com/acme/functions/tree/main/shout"
    async with opened() as engine:
        view = await result(engine, workflow(f"{{call: '{page}', with: {{text: hi}}}}"))

        assert view.output == {"said": "HI"}
        assert engine.tasks(view.id)[1].reference == f"/functions/{page.replace('/', '~1')}"


async def test_a_function_lies_in_a_catalogue_of_the_workflows_folder(opened, tmp_path, workflow):
    place = tmp_path / "shared" / "functions" / "shout" / "1.0.0"
    place.mkdir(parents=True)
    (place / "function.yaml").write_text(SHOUT)
    async with opened() as engine:
        text = workflow(CALL, use="{catalogs: {one: {endpoint: shared}}}")
        run = await engine.start(await engine.deploy(text))
        assert (await run.result(10)).output == {"said": "HELLO"}


async def test_a_bare_version_is_looked_for_in_the_catalogues_in_their_order(
    opened, web, workflow, result
):
    web.function("shout:1.0.0", SHOUT, "https://two.example")
    async with opened() as engine:
        text = workflow("{call: 'shout:1.0.0', with: {text: a}}", use=BOTH)
        assert (await result(engine, text)).output == {"said": "A"}
    assert [uri.partition("/functions")[0] for uri in web.asked] == [
        "https://one.example",
        "https://two.example",
    ]


async def test_a_function_of_this_project_comes_before_those_of_catalogues(
    opened, web, workflow, result
):
    @batuta.function(version="1.0.0")
    async def shout(text: str) -> str:
        return f"ours: {text}"

    web.function("shout:1.0.0", SHOUT)
    async with opened(shout) as engine:
        for call in ("shout:1.0.0", "shout:1.0.0@default", "shout"):
            version = f"1.0.{len(call)}"
            text = workflow(f"{{call: '{call}', with: {{text: a}}}}", use=ONE, version=version)
            assert (await result(engine, text)).output == "ours: a"
    assert web.asked == []


async def test_a_function_calls_further_ones_each_loaded_once(opened, web, workflow, result):
    far = "https://far.example/f.yaml"
    web.function(
        "outer:1.0.0", f"do:\n- a: {CALL}\n- b: {{call: '{far}', with: {{v: '${{ .said }}'}}}}\n"
    )
    web.function("shout:1.0.0", SHOUT)
    web.files[far] = "do:\n- c: {call: 'shout:1.0.0@one', with: {text: '${ .v + \"!\" }'}}\n"
    async with opened() as engine:
        view = await result(engine, workflow("{call: 'outer:1.0.0@one'}", CALL, use=ONE))
        assert view.output == {"said": "HELLO"}
        assert engine.tasks(view.id)[-3].output == {"said": "HELLO!"}
    assert len(web.asked) == len(set(web.asked)) == 3


async def test_the_keys_of_tasks_in_functions_are_their_own_and_last(opened, web, workflow, result):
    keys = []

    @batuta.function
    async def note(context: batuta.Context) -> int:
        keys.append(context.idempotency_key)
        if len(keys) == 2:
            raise batuta.Fault("communication", 503, "Busy")
        return len(keys)

    retry = "catch: {retry: {limit: {attempt: {count: 1}}}}"
    web.function("noted:1.0.0", f"try:\n- n: {{call: note}}\n{retry}\n")
    web.function(
        "twice:1.0.0", "do:\n- a: {call: 'noted:1.0.0@one'}\n- b: {call: 'noted:1.0.0@one'}\n"
    )
    async with opened(note) as engine:
        view = await result(
            engine, workflow("{call: 'noted:1.0.0@one'}", "{call: 'twice:1.0.0@one'}", use=ONE)
        )
    assert view.status == "completed"
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3


async def test_what_a_function_is_given_has_to_fit_its_schema(opened, web, workflow, result):
    web.function("shout:1.0.0", SHOUT)
    async with opened() as engine:
        view = await result(engine, workflow("{call: 'shout:1.0.0@one'}", use=ONE))
    assert view.status == "faulted"
    assert view.error["type"].endswith("/validation")
    assert view.error["instance"] == "/functions/shout:1.0.0@one"


async def test_what_lies_beside_a_function_is_found_from_there(opened, web, workflow, result):
    schema = "input: {schema: {resource: {endpoint: ./given.json}}}\n"
    web.function("shout:1.0.0", f"{schema}set: {{source: {{endpoint: ./not-ours}}}}\n")
    web.files["https://one.example/functions/shout/1.0.0/given.json"] = '{"required": ["text"]}'
    async with opened() as engine:
        kept = await result(engine, workflow(CALL, use=ONE))
        again = await result(
            engine, workflow("{call: 'shout:1.0.0@one'}", use=ONE, version="2.0.0")
        )
    assert kept.output == {"source": {"endpoint": "./not-ours"}}
    assert again.status == "faulted"


# -- credentials -----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["{token: '${ $secrets.key }'}", "{use: key}"])
async def test_a_catalogue_is_read_with_its_credentials(opened, web, workflow, policy):
    web.function("shout:1.0.0", SHOUT)
    endpoint = f"{{uri: 'https://one.example', authentication: {{bearer: {policy}}}}}"
    use = f"{{secrets: [key], catalogs: {{one: {{endpoint: {endpoint}}}}}}}"
    secret = "s3cret-t0ken" if "token" in policy else {"token": "s3cret-t0ken"}
    async with opened(secrets={"key": secret}) as engine:
        await engine.deploy(workflow(CALL, use=use))
        assert b"s3cret" not in engine.store.workflow("t/w:1.0.0")
    assert web.credentials == ["Bearer s3cret-t0ken"]


async def test_a_missing_secret_of_a_catalogue_is_told(opened, web, workflow):
    web.function("shout:1.0.0", SHOUT)
    policy = "{bearer: {token: '${ $secrets.key }'}}"
    endpoint = f"{{uri: 'https://one.example', authentication: {policy}}}"
    use = f"{{secrets: [key], catalogs: {{one: {{endpoint: {endpoint}}}}}}}"
    async with opened() as engine:
        with pytest.raises(RequestError, match="secret `key` has no value"):
            await engine.deploy(workflow(CALL, use=use))
    assert web.asked == []


async def test_credentials_that_need_a_run_are_refused(opened, web, workflow):
    policy = "{bearer: {token: '${ $workflow.input.token }'}}"
    endpoint = f"{{uri: 'https://one.example', authentication: {policy}}}"
    async with opened() as engine:
        with pytest.raises(RequestError, match="need a run"):
            await engine.deploy(
                workflow(CALL, use=f"{{catalogs: {{one: {{endpoint: {endpoint}}}}}}}")
            )


async def test_a_function_from_elsewhere_sees_no_secrets(opened, web, workflow, result):
    uri = web.function("take:1.0.0", "do:\n- a: {set: {all: '${ $secrets }'}}\n")
    use = ONE[:-1] + ", secrets: [key]}"
    async with opened(secrets={"key": "s3cret-t0ken"}) as engine:
        with pytest.raises(DefinitionError) as refused:
            await engine.deploy(workflow("{call: 'take:1.0.0@one'}", use=use))
        problem = only_problem(refused.value)
        assert (problem.code, problem.file, problem.line) == ("unknown-secret", uri, 2)

        policy = "authentication: {bearer: {token: '${ .token }'}}"
        endpoint = f"{{uri: 'https://api.example/', {policy}}}"
        text = f"call: http\nwith: {{method: get, endpoint: {endpoint}}}\n"
        web.function("take:1.0.0", text)
        web.files["https://api.example/"] = "{}"
        given = "{call: 'take:1.0.0@one', with: {token: '${ $secrets.key }'}}"
        await result(engine, workflow(given, use=use))
    assert web.credentials[-1] == "Bearer s3cret-t0ken"


# -- refusals --------------------------------------------------------------------------------------


async def test_a_function_that_is_not_right_is_refused_where_it_stands(opened, web, workflow):
    uri = web.function("shout:1.0.0", "do:\n- a: {sett: 1}\n- b: {call: nobody:1.0.0@else}\n")
    async with opened() as engine:
        with pytest.raises(DefinitionError) as refused:
            await engine.deploy(workflow(CALL, use=ONE))
        assert engine.workflows() == []
    assert [(one.code, one.file, one.line) for one in refused.value.problems] == [
        ("task-kind", uri, 2),
        ("unknown-catalog", uri, 3),
    ]


async def test_a_catalogue_that_cannot_be_read_is_told_with_the_way_out(opened, web, workflow):
    async with opened() as engine:
        with pytest.raises(RequestError, match="answered 404") as missing:
            await engine.deploy(workflow(CALL, use=ONE))
        web.is_down = True
        with pytest.raises(RequestError, match=r"https://one\.example"):
            await engine.deploy(workflow(CALL, use=ONE))
        assert engine.workflows() == []
    assert "kept" in missing.value.hint or "keeps" in missing.value.hint


async def test_a_function_that_no_catalogue_has_is_refused_at_its_call(opened, workflow):
    text = workflow("{set: {a: 1}}", "{call: 'shout:1.0.0'}", use=BOTH)
    async with opened() as engine:
        with pytest.raises(DefinitionError) as refused:
            await engine.deploy(text)
    problem = only_problem(refused.value)
    assert (problem.code, problem.line, problem.reference) == (
        "unknown-function",
        5,
        "/do/1/step1/call",
    )


@pytest.mark.parametrize("call", ["shout@one", "../../x:1.0.0@one"])
async def test_a_call_that_names_no_version_is_refused(opened, web, workflow, call):
    async with opened() as engine:
        with pytest.raises(DefinitionError) as refused:
            await engine.deploy(workflow(f"{{call: '{call}'}}", use=ONE))
    assert only_problem(refused.value).code == "wrong-format"
    assert web.asked == []


async def test_functions_that_call_each_other_in_a_circle_are_refused(opened, web, workflow):
    web.function("a:1.0.0", "call: b:1.0.0@one")
    uri = web.function("b:1.0.0", "do:\n- back: {call: 'a:1.0.0@one'}\n")
    async with opened() as engine:
        with pytest.raises(DefinitionError) as refused:
            await engine.deploy(workflow("{call: 'b:1.0.0@one'}", use=ONE))
    problem = only_problem(refused.value)
    assert (problem.code, problem.file, problem.line) == ("function-cycle", uri, 2)
    assert "through `a:1.0.0@one`" in problem.message


async def test_functions_that_lead_on_and_on_are_not_followed_for_ever(opened, web, workflow):
    for number in range(40):
        web.function(f"f{number}:1.0.0", f"call: f{number + 1}:1.0.0@one")
    async with opened() as engine:
        with pytest.raises(RequestError, match="17 calls deep"):
            await engine.deploy(workflow("{call: 'f0:1.0.0@one'}", use=ONE))


async def test_a_function_from_elsewhere_does_not_see_those_of_the_workflow(
    opened, web, workflow, result
):
    web.function("outer:1.0.0", "call: helper")
    use = ONE[:-1] + ", functions: {helper: {set: {from: workflow}}}}"

    @batuta.function
    async def helper() -> str:
        return "from Python"

    async with opened(helper) as engine:
        view = await result(engine, workflow("{call: 'outer:1.0.0@one'}", use=use))
    assert view.output == "from Python"


async def test_checking_asks_nobody(opened, web, workflow):
    text = workflow(CALL, "{call: 'shout:1.0.0'}", "{call: 'https://h.example/f.yaml'}", use=ONE)

    @batuta.function
    async def ours() -> None:
        return None

    async with opened(ours) as engine:
        assert engine.check(text).ok
    assert web.asked == []
