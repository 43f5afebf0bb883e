"""The laws of placeholders: revealing, redacting, masking, and whose secret it is."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batuta.adapters.secrets import (
    CurrentSecrets,
    EnvironmentSecrets,
    GivenSecrets,
    RunSecrets,
    SecretStore,
    mask,
    new_nonce,
)
from batuta.ports.caller import Fault

NONCE = "n" * 22


class Values:
    """Secrets as a plain mapping."""

    def __init__(self, **values):
        self.values = values

    def find(self, name):
        return self.values.get(name)

    def ways(self, _name):
        return ()


def secrets_of(nonce: str = NONCE, **values) -> RunSecrets:
    return RunSecrets(Values(**values), tuple(values), nonce)


DATABASE = {"user": "admin", "password": 'p"ss/wörd+1', "port": 54321, "hosts": ["h1.example"]}


def test_placeholders_have_the_structure_of_the_secret_and_none_of_its_values():
    run = secrets_of(db={**DATABASE, "tls": True, "ca": None}, token="t0ken-value")
    standing = run.placeholders()
    assert standing["db"]["tls"] is True
    assert standing["db"]["ca"] is None
    assert set(standing["db"]) == {*DATABASE, "tls", "ca"}
    assert standing["db"]["hosts"][0].startswith("\u27e6secret:")
    text = json.dumps(standing, ensure_ascii=False)
    for value in ("admin", "p\\", "54321", "h1.example", "t0ken-value"):
        assert value not in text


def test_revealing_the_placeholders_gives_the_secrets_with_their_types():
    run = secrets_of(db=DATABASE, token="t0ken-value")
    assert run.reveal(run.placeholders()) == {"db": DATABASE, "token": "t0ken-value"}


def test_a_placeholder_inside_text_is_replaced_and_a_number_is_written_out():
    run = secrets_of(db=DATABASE)
    db = run.placeholders()["db"]
    given_text = f"{db['user']}:{db['password']}@{db['hosts'][0]}:{db['port']}"
    assert run.reveal([given_text]) == ['admin:p"ss/wörd+1@h1.example:54321']
    assert run.reveal({f"x-{db['user']}": 1}) == {"x-admin": 1}
    assert run.reveal({db["port"]: 1}) == {"54321": 1}


def test_a_placeholder_of_another_run_stays_text():
    run, other = secrets_of(token="t0ken-value"), secrets_of("m" * 22, token="other-value")
    foreign = other.placeholders()["token"]
    assert run.reveal(f"a {foreign}") == f"a {foreign}"


def test_a_placeholder_of_an_unknown_secret_stays_text():
    run = secrets_of(token="t0ken-value")
    made_up = run.placeholders()["token"].replace("token", "tokem")
    assert run.reveal([made_up, f"a{made_up}"]) == [made_up, f"a{made_up}"]


def test_a_value_that_looks_like_a_placeholder_is_not_expanded_again():
    inner = secrets_of(a="first-value", b="x").placeholders()["a"]
    run = secrets_of(a="first-value", b=inner)
    assert run.reveal(run.placeholders()["b"]) == inner
    assert run.reveal(f"{run.placeholders()['b']}!") == f"{inner}!"


def test_names_with_any_letters_have_placeholders():
    value = {"a/b|c\u27e7": "first-value", "ü": "second-value"}
    run = RunSecrets(Values(**{"n/x": value}), ("n/x",), NONCE)
    assert run.reveal(run.placeholders()) == {"n/x": value}


def test_a_run_without_secrets_returns_what_it_was_given():
    run = RunSecrets(SecretStore(), (), NONCE)
    value = {"a": ["b"]}
    assert run.reveal(value) is value
    assert run.redact(value) is value
    assert run.placeholders() == {}
    run.require()


def test_data_without_secrets_is_not_copied():
    run = secrets_of(token="t0ken-value")
    value = {"a": ["b", {"c": 1.5}], "d": None}
    assert run.reveal(value) is value
    assert run.redact(value) is value


SECRET = 'p"ss/w\u00f6rd+1 two?\u00ff\u00fe'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(f"u:{SECRET}".encode()).decode(),
        base64.b64encode(f"us:{SECRET}!".encode()).decode(),
        base64.urlsafe_b64encode(f"usr:{SECRET}".encode()).decode(),
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
    ],
)
def test_a_secret_is_found_in_every_form_and_put_back_exactly(text):
    run = secrets_of(token=SECRET)
    for given_text in (text, f"before {text} after"):
        hidden = run.redact({"echo": [given_text], given_text: 1})
        assert hidden["echo"][0] != given_text
        assert given_text not in hidden
        core = base64.b64encode(SECRET.encode()).decode()[4:20]
        assert core not in hidden["echo"][0]
        assert "two" not in hidden["echo"][0]
        assert run.reveal(hidden) == {"echo": [given_text], given_text: 1}


def test_short_secrets_are_not_sought():
    run = secrets_of(pin="123")
    assert run.redact("12345") == "12345"
    assert run.reveal(run.placeholders()["pin"]) == "123"


def test_a_number_is_found_as_text_and_left_alone_as_a_number():
    run = secrets_of(db={"port": 54321})
    hidden = run.redact(["54321", "port 54321", 54321])
    assert hidden[2] == 54321
    assert "54321" not in hidden[0] + hidden[1]
    assert run.reveal(hidden) == ["54321", "port 54321", 54321]


def test_placeholders_survive_redaction_even_when_a_secret_is_part_of_one():
    run = secrets_of(token="secret", other="nnnn", third="token")
    standing = list(run.placeholders().values())
    assert run.redact(standing) == standing


def test_the_longest_secret_is_taken_when_one_contains_another():
    run = secrets_of(short="abcd", long="abcdefgh")
    hidden = run.redact("xabcdefghx")
    assert hidden == f"x{run.placeholders()['long']}x"


def test_masking_shows_stars_for_placeholders_of_every_run():
    run, other = secrets_of(token="t0ken-value"), secrets_of("m" * 22, token="v")
    mine, foreign = run.placeholders()["token"], other.placeholders()["token"]
    assert run.mask({mine: [f"Bearer {mine}", foreign, 1]}) == {"***": ["Bearer ***", "***", 1]}
    assert mask("plain") == "plain"


def test_a_secret_that_is_not_declared_cannot_be_had():
    run = RunSecrets(Values(a="first-value", b="second-value"), ("a",), NONCE)
    assert run.get("a") == "first-value"
    with pytest.raises(Fault, match=r"use\.secrets") as fault:
        run.get("b")
    assert (fault.value.kind, fault.value.status) == ("authorization", 403)
    assert run.redact("second-value") == "second-value"


def test_a_declared_secret_without_a_value_tells_the_ways_to_provide_it():
    store = SecretStore(GivenSecrets(["a=1"]), EnvironmentSecrets({}))
    run = RunSecrets(store, ("a", "b", "c"), NONCE)
    assert run.missing() == ("b", "c")
    assert set(run.placeholders()) == {"a"}
    for ask in (run.require, lambda: run.get("b")):
        with pytest.raises(Fault) as fault:
            ask()
        assert (fault.value.kind, fault.value.status) == ("authorization", 403)
        assert "--secret b=VALUE" in fault.value.detail
        assert "BATUTA_SECRET_B" in fault.value.detail
    with pytest.raises(Fault, match="no place for secrets"):
        RunSecrets(SecretStore(), ("x",), NONCE).require()


def test_changing_what_get_returned_changes_no_secret():
    run = secrets_of(db={"user": "admin"})
    run.get("db")["user"] = "other"
    assert run.get("db") == {"user": "admin"}


@pytest.mark.parametrize("nonce", ["", "short", "n" * 15, "n" * 20 + ":"])
def test_a_weak_nonce_is_refused(nonce):
    with pytest.raises(ValueError, match="nonce"):
        RunSecrets(Values(), (), nonce)


def test_new_nonces_are_accepted_and_differ():
    assert new_nonce() != new_nonce()
    RunSecrets(Values(), (), new_nonce())


async def test_the_current_run_is_the_one_around_the_call():
    current = CurrentSecrets()
    one, two = secrets_of(token="first-value"), secrets_of(token="second-value")
    standing = one.placeholders()["token"]
    assert current.reveal(standing) == standing
    assert current.redact("first-value") == "first-value"
    with pytest.raises(Fault, match="outside of a call"):
        current.get("token")
    with current.of(one):
        with current.of(two):
            assert current.reveal(standing) == "second-value"
        assert current.reveal(standing) == "first-value"
        assert current.redact("first-value") == standing
        assert current.get("token") == "first-value"


letters = st.text(st.characters(codec="utf-8"), max_size=12)
value = st.recursive(
    letters | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(letters, inner, max_size=3),
    max_leaves=8,
)
secret = letters | st.dictionaries(letters, letters | st.integers(), max_size=3)


@settings(deadline=None, max_examples=60)
@given(secret=secret, data=value)
@example(secret="latest", data="the latest \u27e6secret:")
def test_revealing_what_was_redacted_gives_the_data_back(secret, data):
    run = secrets_of(s=secret)
    assert run.reveal(run.redact(data)) == data


@settings(deadline=None, max_examples=60)
@given(secret=st.text(st.characters(codec="utf-8"), min_size=4, max_size=12), around=letters)
def test_no_redacted_text_holds_the_secret(secret, around):
    run = secrets_of(s=secret)
    text = f"{around}{secret}{around}{json.dumps(secret)}{quote_plus(secret)}"
    assert secret not in run._own.sub("\0", run.redact(text))


@settings(deadline=None, max_examples=60)
@given(secret=secret)
def test_revealing_the_placeholders_gives_every_secret_back(secret):
    run = secrets_of(s=secret)
    assert run.reveal(run.placeholders()) == {"s": secret}
    assert run.mask(run.placeholders()) == secrets_of("q" * 22, s=secret).mask(run.placeholders())


def test_placeholders_under_another_nonce_are_revealed_by_who_has_that_one_and_nobody_else():
    here, there = secrets_of(pin="9876"), secrets_of("m" * 22, pin="1111")
    sent = here.under({"text": f"pin {here.placeholders()['pin']}", "plain": "x"}, "m" * 22)
    assert here.reveal(sent) == sent
    assert there.reveal(sent) == {"text": "pin 1111", "plain": "x"}
