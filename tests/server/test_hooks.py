"""Webhooks that come in: signed, not too old, and read by the content type that was declared."""

import base64
import hashlib
import hmac

import pytest

from batuta.wiring.settings import Hook

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
HOOKS = {
    "orders": Hook(secret="orders_key", type="com.acme.ordered", source="https://acme.example"),
    "form": Hook(
        secret="orders_key", type="com.acme.form", content="application/x-www-form-urlencoded"
    ),
    "text": Hook(secret="plain_key", type="com.acme.text", content="text/plain"),
    "lost": Hook(secret="nobody_has_it", type="com.acme.lost"),
}
JSON = "application/json"


@pytest.fixture
async def hooked(opened):
    async with opened(secrets={"orders_key": SECRET, "plain_key": "plain"}, hooks=HOOKS) as one:
        yield one


@pytest.fixture
def sent(hooked):
    """Sends a webhook, signed; what is said otherwise wins."""

    async def sending(name, body, media, *, key=b"0123456789abcdef", age_s=0, **changed):
        time = str(hooked.engine.clock.now() // 1_000 - age_s)
        given = {"webhook-id": "msg_1", "webhook-timestamp": time, "content-type": media, **changed}
        signed = f"{given['webhook-id']}.{time}.".encode() + body
        digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        headers = {"webhook-signature": f"v1a,x v1,{digest}", **given}
        async with hooked.stranger() as http:
            return await http.post(f"/api/v1/hooks/{name}", content=body, headers=headers)

    return sending


async def test_a_signed_webhook_becomes_an_event_once(hooked, sent):
    first = await sent("orders", b'{"order": 7}', JSON)
    again = await sent("orders", b'{"order": 7}', JSON)
    (stored,) = (await hooked.get("/events"))["items"]

    assert [first.status_code, again.status_code] == [202, 202]
    assert stored["event"] | {"time": ""} == {
        "specversion": "1.0",
        "id": "msg_1",
        "source": "https://acme.example",
        "type": "com.acme.ordered",
        "time": "",
        "datacontenttype": JSON,
        "data": {"order": 7},
    }


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("orders", {"key": b"another"}),
        ("orders", {"age_s": 330}),
        ("orders", {"age_s": -330}),
        ("orders", {"webhook-signature": "v1,AAAA"}),
        ("orders", {"webhook-signature": ""}),
        ("orders", {"webhook-timestamp": "x"}),
        ("orders", {"webhook-id": ""}),
        ("none", {}),
        ("lost", {}),
    ],
)
async def test_what_is_not_signed_right_now_is_refused_in_one_way(hooked, sent, name, changed):
    answer = await sent(name, b"{}", JSON, **changed)

    assert answer.status_code == 401
    assert answer.json()["code"] == "signature"
    assert (await hooked.get("/events"))["items"] == []


async def test_a_body_is_read_by_the_declared_content_type_only(hooked, sent):
    form = await sent("form", b"a=1&a=2&b=", "application/x-www-form-urlencoded")
    text = await sent("text", "é".encode(), "text/plain; charset=utf-8", key=b"plain")
    other = await sent("orders", b"a=1", "application/x-www-form-urlencoded")
    broken = await sent("orders", b"{", JSON)
    no_text = await sent("text", b"\xff", "text/plain", key=b"plain")
    events = {one["event"]["type"]: one["event"] for one in (await hooked.get("/events"))["items"]}

    assert [form.status_code, text.status_code] == [202, 202]
    assert events["com.acme.form"]["data"] == {"a": ["1", "2"], "b": [""]}
    assert events["com.acme.text"]["data"] == "é"
    assert [other.status_code, broken.status_code, no_text.status_code] == [415, 422, 422]
