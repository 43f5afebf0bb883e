"""What holds for any data, not only for examples."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, unquote

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.adapters.callers.http.address_policy import Allow
from batuta.adapters.callers.http.bodies import encoded_body
from batuta.adapters.callers.http.caller import header_pairs, query_pairs, with_query
from batuta.adapters.callers.http.redaction import Redactor, masked
from batuta.adapters.callers.http.uri_template import expand
from batuta.ports.caller import Fault

few = settings(max_examples=60, deadline=None)
texts = st.text(st.characters(codec="utf-8"), max_size=30)
scalars = st.none() | st.booleans() | st.integers() | texts
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


@few
@given(texts)
def test_a_template_value_stays_within_its_segment(value):
    try:
        url = httpx2.URL(expand("http://host.test/a/{v}/z?q={v}", {"v": value}))
    except Fault:
        assert value in (".", "..")
        return
    path, _, query = url.raw_path.decode().partition("?")
    before, segment, after = path.removeprefix("/").split("/")
    assert (url.host, before, after) == ("host.test", "a", "z")
    assert unquote(segment) == value
    assert unquote(query.removeprefix("q=")) == value


@few
@given(st.dictionaries(texts, texts, max_size=5))
def test_query_values_arrive_as_they_were(query):
    url = with_query(httpx2.URL("http://host.test/"), query_pairs(query))
    found = parse_qsl(url.query.decode(), keep_blank_values=True)
    assert found == list(query.items())


@few
@given(data)
def test_a_json_body_arrives_as_it_was(body):
    content, content_type = encoded_body(body, None)
    if body is None:
        assert content is None
    elif isinstance(body, str):
        assert content == body.encode()
    else:
        assert content_type == "application/json"
        assert json.loads(content or b"") == body


@few
@given(st.text(max_size=10), st.text(max_size=10))
def test_no_header_can_hold_a_line_break(name, value):
    try:
        pairs = header_pairs({name: value})
    except Fault:
        return
    assert not any(set("\r\n\0") & set(part) for pair in pairs for part in pair)


class OneSecret:
    def reveal(self, value):
        return value

    def redact(self, value):
        return json.loads(json.dumps(value).replace("sesame", "***"))

    def get(self, name):
        return name


@few
@given(data, texts)
def test_no_credential_or_secret_is_left_in_what_is_redacted(value, around):
    planted = {"a": [value, around + "tok-en-123" + around], "b": "sesame", "s%65same": 1}
    text = json.dumps(Redactor(OneSecret(), ("tok-en-123",)).value(planted))
    assert "tok-en-123" not in text
    assert "sesame" not in text


@few
@given(data)
def test_nothing_else_is_changed_by_masking(value):
    assert masked(value, ("a-credential-that-is-not-there",)) == value


@few
@given(st.ip_addresses())
def test_what_is_allowed_in_public_is_allowed_locally(address):
    if Allow.public().refuses_address(str(address)) is None:
        assert Allow.local().refuses_address(str(address)) is None


@pytest.mark.parametrize("policy", [Allow.local(), Allow.public()])
@few
@given(address=st.ip_addresses(network="169.254.0.0/16"))
def test_no_spelling_of_a_link_local_address_is_allowed(policy, address):
    last = int(address)
    for text in (str(address), f"::ffff:{address}", f"64:ff9b::{last >> 16:x}:{last & 0xFFFF:x}"):
        assert policy.refuses_address(text)
