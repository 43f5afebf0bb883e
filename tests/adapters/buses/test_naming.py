"""Names as NATS carries them: whatever they are, they come back, and no two become one."""

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batuta.adapters.buses.nats.naming import (
    IN_HEADERS,
    LONGEST_DURABLE,
    NO_TYPE,
    durable_name,
    header_value,
    id_of,
    prefix,
    subject_token,
    type_of,
)
from batuta.adapters.buses.nats.settings import from_url
from batuta.errors import RequestError

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    ".a* >%", min_size=1, max_size=12
)


@given(NAMES)
@example("..")
@example("...")
@example("%2E")
def test_a_type_becomes_a_subject_and_comes_back(kind):
    token = subject_token(kind)

    assert type_of(token) == kind
    assert token != NO_TYPE
    assert all(re.fullmatch(r"[^\s.*>\x00-\x1f\x7f-\U0010ffff]+", one) for one in token.split("."))


@pytest.mark.parametrize("kind", ["com.acme.stock.reserved.v1", "a", "a-b_c/d:e+f", "A.b"])
def test_a_usual_type_stays_as_it_is(kind):
    assert subject_token(kind) == kind


@given(NAMES)
@example("source\nid/do/0>[1]")
@example("%0A")
def test_an_id_becomes_a_header_and_comes_back(identity):
    value = header_value(identity)

    assert id_of(value) == identity
    assert value == quote(identity, safe=IN_HEADERS), "the short cut for usual ids gives the same"
    assert value.isascii()
    assert value.isprintable()
    assert value == value.strip()


@given(NAMES, NAMES)
def test_different_consumers_have_different_names(one, other):
    assert (durable_name(one) == durable_name(other)) == (one == other)
    assert not set(durable_name(one)) & set(" .*>/\\\t\r\n")
    assert durable_name(one) != NO_TYPE


def test_a_long_name_becomes_a_short_one():
    names = ["é" * 150 + end for end in ("a", "b")]

    assert len({durable_name(name) for name in names}) == 2
    assert all(len(durable_name(name)) <= LONGEST_DURABLE for name in names)


def test_streams_do_not_hear_each_other():
    assert prefix("batuta") == "batuta.events."
    assert prefix("other") == "other.events."


# -- URLs ------------------------------------------------------------------------------------------


def test_a_url_with_nothing_but_a_server_is_enough():
    settings = from_url("nats://broker:4222")

    assert settings.servers == ("nats://broker:4222",)
    assert settings.stream == "batuta"
    assert settings.replicas == 1
    assert settings.monitors == ("http://broker:8222",)
    assert not settings.accept_loss


def test_a_url_says_everything():
    settings = from_url(
        "tls://me:pw@a:4222,b:4222?stream=s&replicas=3&monitor=http://a:1,http://b:2"
        "&credentials=/etc/batuta.creds",
        accept_loss=True,
    )

    assert settings.servers == ("tls://me:pw@a:4222", "tls://me:pw@b:4222")
    assert (settings.stream, settings.replicas) == ("s", 3)
    assert settings.monitors == ("http://a:1", "http://b:2")
    assert settings.credentials == "/etc/batuta.creds"
    assert settings.accept_loss
    assert "pw" not in settings.shown
    assert "a:4222" in settings.shown


@pytest.mark.parametrize(
    "url",
    [
        "nats://",
        "nats://u:secret@",
        "nats://u:secret@a?stream=a.b",
        "nats://u:secret@a?stream=",
        "nats://u:secret@a?replicas=many",
        "nats://u:secret@a?replicas=0",
        "nats://u:secret@a?steam=a",
        "http://u:secret@a",
    ],
)
def test_a_url_that_is_wrong_is_refused_without_its_password(url):
    with pytest.raises(RequestError) as caught:
        from_url(url)

    assert "secret" not in str(caught.value)
    assert "nats://HOST:PORT" in caught.value.hint
