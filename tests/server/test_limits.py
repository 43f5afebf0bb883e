"""How often somebody may ask."""

from batuta.server.limits import GUESSES, MOST_BUCKETS, Limit
from batuta.wiring.settings import Server


class Clock:
    time = 100.0

    def __call__(self):
        return self.time


def test_a_bucket_fills_at_its_rate():
    clock = Clock()
    limit = Limit(2, 4, clock)
    assert [limit.take("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    assert limit.take("b") == 0
    clock.time += 0.5
    assert [limit.take("a"), limit.take("a")] == [0, 1]
    clock.time += 60
    assert [limit.take("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    assert Limit(0.1, 1, clock).waits("a") == 0


def test_without_a_rate_everybody_passes():
    limit = Limit(0, 0, Clock())
    assert [limit.take("a"), limit.waits("a")] == [0, 0]


def test_who_has_not_asked_for_longest_is_forgotten():
    limit = Limit(0.001, 1, Clock())
    for number in range(MOST_BUCKETS + 1):
        limit.take(str(number))
    assert limit.take("0") == 0
    assert limit.take(str(MOST_BUCKETS)) > 0


async def test_who_asks_too_often_is_told_when_to_go_on(opened):
    async with opened(server=Server(rate=2)) as served:
        answers = [await served.http.get("/api/v1/session") for _ in range(10)]
    refused = [one for one in answers if one.status_code == 429]
    assert answers[0].status_code == 200
    assert refused
    assert refused[0].json()["code"] == "too-often"
    assert int(refused[0].headers["retry-after"]) >= 1


async def test_who_guesses_tokens_is_stopped_and_so_is_who_guesses_at_the_login(served):
    for path, more in (("get", {}), ("post", {"json": {"token": "guess"}})):
        async with served.stranger() as http:
            http.headers["authorization"] = "Bearer guess"
            place = "/api/v1/session"
            answers = [await getattr(http, path)(place, **more) for _ in range(GUESSES + 5)]
            assert answers[-1].status_code == 429
    assert (await served.http.get("/api/v1/session")).status_code == 200
