"""`batuta secrets`: values go in and never out."""

import pytest

from batuta.wiring.secret_places import KeptSecrets, places
from batuta.wiring.settings import Settings


def found(name, given=None, settings=None):
    """Give the value that a run would see."""
    for place in places(settings or Settings(), given or {}):
        value = place.find(name)
        if value is not None:
            return value
    return None


def test_a_secret_is_set_listed_and_deleted(cli, folder):
    made = cli("secrets", "set", "token", stdin="hunter2\n")
    cli("secrets", "set", "login", "--value", '{"username": "ada", "password": "x"}')

    assert made.code == 0
    assert made.out == "secret `token` is set\n"
    assert "made a key in .batuta/key: keep a copy" in made.err
    assert cli("secrets", "list").out == "login\ntoken\n"
    assert found("token") == "hunter2"
    assert found("login") == {"username": "ada", "password": "x"}
    assert b"hunter2" not in folder.joinpath(".batuta/secrets.json").read_bytes()
    assert cli("secrets", "delete", "token").out == "secret `token` is deleted\n"
    assert cli("secrets", "list", "--json").json == {"secrets": ["login"]}


def test_the_key_is_told_once_and_readable_by_its_owner_only(cli, folder):
    cli("secrets", "set", "a", "--value", "1")

    assert cli("secrets", "set", "b", "--value", "2", "--json").err == ""
    assert folder.joinpath(".batuta/key").stat().st_mode & 0o077 == 0


def test_no_secrets_is_no_error(cli):
    assert cli("secrets", "list").err == "no secrets\n"


@pytest.mark.parametrize("kept", [False, True])
def test_forgetting_what_is_not_kept_is_refused(cli, kept):
    if kept:
        cli("secrets", "set", "a", "--value", "1")
    said = cli("secrets", "delete", "nope", "--json")

    assert said.code == 2
    assert "there is no secret `nope`" in said.err


@pytest.mark.parametrize("value", ["", "\n"])
def test_an_empty_value_is_refused(cli, value):
    said = cli("secrets", "set", "token", stdin=value)

    assert said.code == 2
    assert "the value of secret `token` is empty" in said.err
    assert "hint: give it with --value TEXT, or on stdin" in said.err


def test_a_lost_key_is_told_with_what_can_be_done(cli, folder):
    cli("secrets", "set", "token", "--value", "x")
    folder.joinpath(".batuta/key").unlink()
    said = cli("secrets", "set", "other", "--value", "y")

    assert said.code == 2
    assert "their key is not at .batuta/key" in said.err
    assert "BATUTA_KEY" in said.err
    assert cli("secrets", "list").out == "token\n"
    assert cli("secrets", "delete", "token").code == 0


def test_the_key_may_be_in_the_environment(cli, folder, monkeypatch):
    monkeypatch.setenv("BATUTA_KEY", "A" * 43 + "=")
    said = cli("secrets", "set", "token", "--value", "x")

    assert (said.code, said.err) == (0, "")
    assert not folder.joinpath(".batuta/key").exists()
    assert found("token") == "x"


def test_a_run_uses_the_secrets_that_are_kept(cli, folder):
    folder.joinpath("secret.yaml").write_text(
        "document: {dsl: '1.0.3', namespace: demo, name: secret, version: '1.0.0'}\n"
        "use: { secrets: [name] }\n"
        "do:\n  - greet: { call: greet, with: { name: '${ $secrets.name }' } }\n"
        "  - hide: { set: { done: true } }\n"
    )
    cli("secrets", "set", "name", "--value", "hunter2")
    said = cli("run", "secret.yaml", "--functions", "functions.py", "--json")

    assert said.json["output"] == {"done": True}
    assert "hunter2" not in said.out + said.err


def test_places_are_asked_in_their_order(cli, folder, monkeypatch):
    file = folder / "secrets.env"
    file.write_text("token=file\n")
    file.chmod(0o600)
    settings = Settings(secrets_file=str(file))
    cli("secrets", "set", "token", "--value", "kept")

    assert found("token") == "kept"
    assert found("token", settings=settings) == "file"
    monkeypatch.setenv("BATUTA_SECRET_TOKEN", "environment")
    assert found("token", settings=settings) == "environment"
    assert found("token", {"token": "given"}, settings) == "given"
    assert found("token", {"token": {"a": 1}}, settings) == {"a": 1}


def test_a_given_secret_is_a_text_or_an_object():
    with pytest.raises(Exception, match="of type int") as refused:
        places(Settings(), {"token": 1})

    assert refused.value.code == "request"


def test_a_missing_secret_names_the_command_that_sets_it():
    assert KeptSecrets().way("token") == "`batuta secrets set token`"
