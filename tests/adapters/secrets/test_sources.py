"""Secrets given by hand, in the environment and in files, and which place answers first."""

import pytest

from batuta.adapters.secrets import EnvironmentSecrets, FileSecrets, GivenSecrets, SecretStore
from batuta.errors import NotFoundError, RequestError


@pytest.fixture
def write(tmp_path):
    def write_file(name: str, text: str, mode: int = 0o600):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write_file


def test_given_secrets_are_texts_or_objects():
    given = GivenSecrets(['db={"user": "u", "port": 5432}', "token=a=b", "odd={not json", "n=12"])
    assert given.find("db") == {"user": "u", "port": 5432}
    assert given.find("token") == "a=b"
    assert given.find("odd") == "{not json"
    assert given.find("n") == "12"
    assert given.find("other") is None


@pytest.mark.parametrize("text", ["hunter2", "=hunter2"])
def test_what_is_given_without_a_name_is_refused_and_not_repeated(text):
    with pytest.raises(RequestError, match="number 2") as refused:
        GivenSecrets(["a=b", text])
    assert "hunter2" not in str(refused.value)


def test_the_environment_is_asked_by_exact_name_and_by_capitals():
    environment = EnvironmentSecrets(
        {"BATUTA_SECRET_token": "exact", "BATUTA_SECRET_MY_KEY": "capital", "token": "not mine"}
    )
    assert environment.find("token") == "exact"
    assert environment.find("my-key") == "capital"
    assert environment.find("other") is None
    assert "BATUTA_SECRET_MY_KEY" in environment.way("my-key")


def test_the_environment_of_the_process_is_the_default(monkeypatch):
    monkeypatch.setenv("BATUTA_SECRET_FROM_PROCESS", "yes")
    assert EnvironmentSecrets().find("from-process") == "yes"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.toml", 'token = "t"\n[db]\nuser = "u"\nport = 1\nsince = 2026-01-02\n'),
        ("s.json", '{"token": "t", "db": {"user": "u", "port": 1, "since": "2026-01-02"}}'),
        (
            ".env",
            """# comment

export token='t'
db = {"user": "u", "port": 1, "since": "2026-01-02"}
""",
        ),
    ],
)
def test_a_file_is_toml_json_or_lines(write, name, text):
    file = FileSecrets(write(name, text))
    assert file.find("token") == "t"
    assert file.find("db") == {"user": "u", "port": 1, "since": "2026-01-02"}
    assert file.find("other") is None


def test_a_file_is_read_again_when_it_changed(write):
    file = FileSecrets(write("s.env", "token=one\n"))
    assert file.find("token") == "one"
    write("s.env", "token=another\n")
    assert file.find("token") == "another"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_file_that_everybody_may_open_is_refused_with_the_command_to_mend_it(write, mode):
    path = write("s.env", "token=t\n", mode)
    with pytest.raises(RequestError) as refused:
        FileSecrets(path).find("token")
    assert refused.value.hint == f"chmod 600 {path}"


def test_a_file_that_its_group_may_read_is_accepted(write):
    assert FileSecrets(write("s.env", "token=t\n", 0o640)).find("token") == "t"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.toml", "token = hunter2\n"),
        ("s.json", '{"token": hunter2}'),
        ("s.json", '["hunter2"]'),
        ("s.json", '{"hunter": 2}'),
        ("s.env", "hunter2\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_without_showing_its_contents(write, name, text):
    with pytest.raises(RequestError) as refused:
        FileSecrets(write(name, text)).find("token")
    assert "hunter2" not in str(refused.value)
    assert name in str(refused.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(NotFoundError):
        FileSecrets(tmp_path / "nowhere.toml").find("token")


def test_the_first_place_that_has_a_secret_answers():
    first, second = GivenSecrets(["a=1"]), GivenSecrets(["a=2", "b=2"])
    store = SecretStore(first, second)
    assert [store.find(name) for name in "abc"] == ["1", "2", None]


def test_every_place_tells_how_to_provide_a_secret(tmp_path):
    store = SecretStore(GivenSecrets(), EnvironmentSecrets({}), FileSecrets(tmp_path / "s.toml"))
    ways = store.ways("my-key")
    assert "--secret my-key=VALUE" in ways[0]
    assert "BATUTA_SECRET_MY_KEY" in ways[1]
    assert "s.toml" in ways[2]
