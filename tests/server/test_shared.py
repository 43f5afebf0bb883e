"""Answers that many pages share: never older than what was told, nor anybody else's."""

import pytest

from batuta.server import shared

MAY_BE_OLD = {"cache-control": "max-age=1"}


@pytest.fixture
def asking(served, monkeypatch):
    """Asks for the runs as a page does; counts how often the store is asked."""
    looked = []
    find = served.engine.listing.find

    def counted(*given, **more):
        looked.append(given)
        return find(*given, **more)

    monkeypatch.setattr(served.engine.listing, "find", counted)
    monkeypatch.setattr(shared, "OLDEST_S", 60.0)

    async def ask(path="/runs", headers=MAY_BE_OLD, http=served.http):
        answer = await http.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 200
        return answer

    ask.looked = looked
    return ask


async def test_who_takes_an_answer_a_second_old_gets_the_one_that_was_made(asking):
    first, again = await asking(), await asking()

    assert first.content == again.content
    assert first.headers == again.headers
    assert len(asking.looked) == 1


async def test_who_does_not_say_so_is_answered_anew(asking):
    for headers in (MAY_BE_OLD, {}, {"cache-control": "no-cache"}):
        await asking(headers=headers)

    assert len(asking.looked) == 3


async def test_another_question_has_another_answer(asking):
    for path in ("/runs", "/runs?limit=1", "/runs?status=faulted"):
        await asking(path)

    assert len(asking.looked) == 3


async def test_after_something_was_told_the_answer_has_it(served, asking):
    async with served.http.stream("GET", "/api/v1/stream?topics=runs") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        assert (await asking()).json()["items"] == []
        run = await served.engine.start("demo/waiting")
        while await anext(lines) != "event: run.changed":
            pass
        (shown,) = (await asking()).json()["items"]

    assert shown["id"] == run.id


async def test_after_a_change_everybody_is_answered_anew(served, asking):
    assert (await asking()).json()["items"] == []
    run = await served.post("/runs", {"workflow": "demo/waiting"}, status=201)
    (shown,) = (await asking()).json()["items"]

    assert shown["id"] == run["id"]


async def test_an_old_answer_is_not_given(asking, monkeypatch):
    await asking()
    monkeypatch.setattr(shared, "OLDEST_S", -1.0)
    await asking()

    assert len(asking.looked) == 2


async def test_no_more_are_kept_than_so_many(asking, monkeypatch):
    monkeypatch.setattr(shared, "MOST", 1)
    for path in ("/runs", "/runs?limit=1", "/runs"):
        await asking(path)

    assert len(asking.looked) == 3


async def test_who_sees_less_gets_an_answer_of_its_own(served, asking):
    await served.engine.start("demo/waiting")
    key = await served.post(
        "/keys", {"name": "other", "role": "viewer", "namespaces": ["elsewhere"]}, status=201
    )
    await asking()
    async with served.stranger() as http:
        theirs = {**MAY_BE_OLD, "authorization": f"Bearer {key['token']}"}
        assert (await asking(headers=theirs, http=http)).json()["items"] == []
        refused = await http.get("/api/v1/runs", headers=MAY_BE_OLD)

    assert refused.status_code == 401


async def test_what_is_refused_is_not_kept(served):
    for _ in range(2):
        refused = await served.http.get("/api/v1/runs?limit=x", headers=MAY_BE_OLD)
        assert refused.status_code == 422
