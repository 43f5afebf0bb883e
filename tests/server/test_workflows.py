"""Workflows over HTTP: deployed, checked, drawn, and each participant's rules."""

import pytest

YAML = {"content-type": "application/yaml"}
HEAD = "document: {dsl: '1.0.3', namespace: demo, name: w, version: '1.0.0'}\n"
ALL_KINDS = """\
document: {dsl: '1.0.3', namespace: demo, name: kinds, version: '1.0.0'}
do:
  - choose:
      switch:
        - large: { when: .n > 3, then: loop }
        - small: { then: end }
  - loop:
      for: { each: one, in: '${ .items }' }
      do: [ { tell: { emit: { event: { with: { type: a.b, source: /x } } } } } ]
  - both:
      fork: { branches: [ { left: { set: { a: 1 } } }, { right: { wait: { seconds: 1 } } } ] }
  - try it:
      try: [ { hear: { listen: { to: { one: { with: { type: a.b } } } } } } ]
      catch: { errors: { with: { status: 500 } }, do: [ { mend: { set: { b: 1 } } } ] }
  - book:
      call: greet
      with: { name: x }
      metadata: { compensate: { call: greet, with: { name: y } } }
"""


async def test_workflows_are_listed_with_their_versions(served):
    other = (await served.get("/workflows/demo/greeting/versions/1.0.0"))["source"]
    await served.deploy(other.replace("1.0.0", "1.10.0"))
    await served.deploy(other.replace("1.0.0", "1.9.0"))
    listed = {one["name"]: one for one in (await served.get("/workflows"))["items"]}

    assert listed["demo/greeting"]["versions"] == ["1.10.0", "1.9.0", "1.0.0"]
    assert listed["demo/greeting"]["title"] == "A greeting"
    assert listed["demo/greeting"]["participants"] == ["desk"]
    assert sorted(listed) == ["demo/failing", "demo/greeting", "demo/waiting"]


async def test_a_document_that_is_not_right_is_refused_with_every_problem(served):
    text = f"{HEAD.replace('1.0.0', '1')}do:\n  - a: {{sett: 1}}\n"
    refused = await served.post("/workflows", content=text, headers=YAML, status=422)
    checked = await served.post("/workflows/check", content=text, headers=YAML)

    assert not checked["ok"]
    assert len(checked["problems"]) >= 2
    assert {one["code"] for one in refused["errors"]} == {
        one["code"] for one in checked["problems"]
    }
    assert all(one["line"] for one in refused["errors"])


async def test_a_check_for_choreography_says_who_is_missing(served):
    text = f"{HEAD}do: [{{a: {{call: greet, with: {{name: x}}}}}}]\n"
    plain = await served.post("/workflows/check", content=text, headers=YAML)
    other = await served.post(
        "/workflows/check", content=text, headers=YAML, params={"control": "choreographed"}
    )

    assert [plain["ok"], other["ok"]] == [True, False]


async def test_another_text_of_a_version_is_a_conflict_unless_it_is_meant(served):
    text = (await served.get("/workflows/demo/waiting/versions/1.0.0"))["source"]
    other = text.replace("com.acme.go", "com.acme.come")
    refused = await served.post("/workflows", content=other, headers=YAML, status=409)
    meant = await served.post(
        "/workflows", content=other, headers=YAML, params={"replace": "true"}, status=201
    )

    assert refused["code"] == "conflict"
    assert meant == {"identity": "demo/waiting:1.0.0"}


@pytest.mark.parametrize(
    ("media", "body", "status"),
    [("text/plain", b"x", 415), ("application/yaml", b"\xff", 422), ("application/json", b"", 422)],
)
async def test_what_is_no_document_is_refused(served, media, body, status):
    for path in ("/workflows", "/workflows/check"):
        answer = await served.http.post(
            f"/api/v1{path}", content=body, headers={"content-type": media}
        )
        expected = 200 if path.endswith("check") and media == "application/json" else status
        assert answer.status_code == expected


async def test_a_graph_has_every_task_and_every_way(served):
    await served.deploy(ALL_KINDS)
    graph = await served.get("/workflows/demo/kinds/versions/1.0.0/graph")
    nodes = {one["id"]: one for one in graph["nodes"]}
    edges = {(one["from"], one["to"], one["kind"]) for one in graph["edges"]}
    source = (await served.get("/workflows/demo/kinds/versions/1.0.0"))["source"].splitlines()

    assert nodes["/do/1/loop/do/0/tell"]["parent"] == "/do/1/loop"
    assert "tell:" in source[nodes["/do/1/loop/do/0/tell"]["line"] - 1]
    assert edges >= {
        ("start", "/do/0/choose", "next"),
        ("/do/0/choose", "/do/1/loop", "case"),
        ("/do/0/choose", "end", "case"),
        ("/do/1/loop", "/do/1/loop/do/0/tell", "loop"),
        ("/do/1/loop", "/do/2/both", "next"),
        ("/do/2/both", "/do/2/both/fork/branches/0/left", "branch"),
        ("/do/3/try it", "/do/3/try it/catch/do/0/mend", "catch"),
        ("/do/4/book", "/do/4/book/metadata/compensate", "compensate"),
        ("/do/1/loop/do/0/tell", "/do/3/try it/try/0/hear", "event"),
        ("/do/4/book", "end", "next"),
    }


async def test_rules_tell_what_each_participant_does_alone(served):
    rules = await served.get("/workflows/demo/greeting/versions/1.0.0/rules")
    refused = await served.http.get("/api/v1/workflows/demo/failing/versions/1.0.0/rules")

    assert rules["begins"] == "desk"
    assert rules["participants"][0]["rules"][0]["tasks"][0]["name"] == "greet"
    assert refused.status_code == 409
    assert refused.json()["errors"]


async def test_an_unknown_version_is_404(served):
    for rest in ("", "/graph", "/rules"):
        answer = await served.http.get(f"/api/v1/workflows/demo/none/versions/1.0.0{rest}")
        assert answer.status_code == 404
