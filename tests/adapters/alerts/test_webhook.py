"""Alerts by webhook: what is posted, how it is signed, and what an answer means."""

import hmac
import json
from base64 import b64decode, b64encode
from hashlib import sha256

import msgspec
import pytest

from batuta.adapters.alerts import WebhookChannel
from batuta.errors import RequestError, UnavailableError

from .conftest import NOW


def channel(url, secret=None):
    return WebhookChannel(url, secret=None if secret is None else lambda: secret, now=lambda: NOW)


async def test_the_event_is_posted_as_it_was_published(web, telling):
    await channel(web.url).tell(telling)
    ((request, headers, body),) = web.taken

    assert request == ["POST", "/alerts?x=1"]
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == telling.id
    assert headers["webhook-timestamp"] == str(NOW // 1_000)
    assert "webhook-signature" not in headers
    assert "batuta-left-out" not in headers
    assert json.loads(body) == telling.event


async def test_it_says_how_many_like_it_were_left_out(web, telling):
    await channel(web.url).tell(msgspec.structs.replace(telling, left_out=3))
    assert web.taken[0][1]["batuta-left-out"] == "3"


@pytest.mark.parametrize(
    ("secret", "key"),
    [("plain", b"plain"), ("whsec_" + b64encode(b"bytes").decode(), b"bytes")],
)
async def test_it_is_signed_as_standard_webhooks_are(web, telling, secret, key):
    await channel(web.url, secret).tell(telling)
    (_, headers, body) = web.taken[0]
    signed = f"{telling.id}.{NOW // 1_000}.".encode() + body
    version, _, signature = headers["webhook-signature"].partition(",")

    assert version == "v1"
    assert b64decode(signature) == hmac.digest(key, signed, sha256)


@pytest.mark.parametrize("status", [200, 204])
async def test_an_answer_of_success_means_that_it_was_taken(web, telling, status):
    web.status = status
    await channel(web.url).tell(telling)


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_an_answer_that_may_change_has_it_told_again(web, telling, status):
    web.status = status
    with pytest.raises(UnavailableError, match=f"answers with status {status}"):
        await channel(web.url).tell(telling)


@pytest.mark.parametrize(("status", "hint"), [(404, "expects"), (302, "address")])
async def test_another_answer_gives_it_up(web, telling, status, hint):
    web.status = status
    with pytest.raises(RequestError, match=f"answers with status {status}") as refused:
        await channel(web.url).tell(telling)
    assert hint in refused.value.hint


async def test_a_server_that_is_not_there_has_it_told_again(telling):
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await channel("http://127.0.0.1:1/").tell(telling)


@pytest.mark.parametrize("url", ["ftp://x/", "x", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(RequestError, match="is no address of a webhook"):
        channel(url)


async def test_a_secret_that_cannot_be_read_is_no_use(web, telling):
    with pytest.raises(RequestError, match="not base64"):
        await channel(web.url, "whsec_?").tell(telling)
