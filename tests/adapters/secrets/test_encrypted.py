"""The encrypted store: round trips, keys, damage, and writers at the same time."""

import multiprocessing
import stat

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batuta.adapters.secrets import EncryptedStore, Key, Keyring
from batuta.adapters.secrets.encrypted import _replace
from batuta.errors import ConflictError, CorruptError, NotFoundError, RequestError

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(range(1, 33)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "secrets.json"


def test_what_is_set_is_found_by_another_store_with_the_key(path):
    EncryptedStore(path, KEY).set("token", "t0ken")
    EncryptedStore(path, KEY).set("db", {"user": "u", "port": 1})
    store = EncryptedStore(path, KEY)
    assert store.get("token") == "t0ken"
    assert store.find("db") == {"user": "u", "port": 1}
    assert store.names() == ("db", "token")


def test_an_empty_store_finds_nothing(path):
    store = EncryptedStore(path, KEY)
    assert store.find("x") is None
    assert store.names() == ()
    for act in (store.get, store.delete):
        with pytest.raises(NotFoundError):
            act("x")


def test_a_deleted_secret_is_gone(path):
    store = EncryptedStore(path, KEY)
    store.set("a", "1")
    store.delete("a")
    assert store.find("a") is None


def test_a_name_is_needed(path):
    with pytest.raises(RequestError):
        EncryptedStore(path, KEY).set("", "x")


def test_the_file_shows_no_value_and_only_its_owner_may_open_it(path):
    EncryptedStore(path, KEY).set("token", "very-secret-text")
    assert b"very-secret-text" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {entry.name for entry in path.parent.iterdir()} == {"secrets.json", "secrets.json.lock"}


def test_setting_the_same_value_again_writes_another_nonce(path):
    store = EncryptedStore(path, KEY)
    store.set("a", "1")
    first = path.read_bytes()
    store.set("a", "1")
    assert path.read_bytes() != first


def test_a_wrong_key_is_named_beside_the_right_one(path):
    EncryptedStore(path, KEY).set("a", "1")
    with pytest.raises(RequestError) as refused:
        EncryptedStore(path, OTHER).find("a")
    assert KEY.id in refused.value.message
    assert OTHER.id in refused.value.message


def _altered(path, change):
    content = msgspec.json.decode(path.read_bytes())
    change(content["secrets"])
    path.write_bytes(msgspec.json.encode(content))


def test_a_row_moved_to_another_name_does_not_decrypt(path):
    store = EncryptedStore(path, KEY)
    store.set("cheap", "1")
    store.set("dear", "2")
    _altered(path, lambda rows: rows.update(dear=rows["cheap"]))
    with pytest.raises(CorruptError):
        store.find("dear")
    assert store.find("cheap") == "1"


@pytest.mark.parametrize("nonce", ["AAAA", "AAAAAAAAAAAAAAAA"])
def test_an_altered_row_does_not_decrypt(path, nonce):
    store = EncryptedStore(path, KEY)
    store.set("a", "1")
    _altered(path, lambda rows: rows["a"].update(nonce=nonce))
    with pytest.raises(CorruptError):
        store.find("a")


def test_a_file_that_is_none_of_ours_is_left_as_it_is(path):
    path.parent.mkdir()
    path.write_bytes(b"not json")
    with pytest.raises(CorruptError):
        EncryptedStore(path, KEY).set("a", "1")
    assert path.read_bytes() == b"not json"
    path.write_bytes(b'{"format": "batuta-secrets/9", "secrets": {}}')
    with pytest.raises(RequestError, match="batuta-secrets/9"):
        EncryptedStore(path, KEY).names()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path):
    store = EncryptedStore(path, KEY)
    store.set("a", "1")
    before = path.read_bytes()
    with pytest.raises(TypeError):
        store.set("b", {"x": object()})
    assert path.read_bytes() == before
    (path.parent / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        _replace(path.parent / "folder", b"")
    assert not list(path.parent.glob("*.new"))


def test_rotation_encrypts_all_with_the_new_key_and_needs_the_old_one_no_more(path):
    store = EncryptedStore(path, KEY)
    store.set("a", "1")
    store.set("b", {"c": 2})
    assert store.rotate(OTHER) == 2
    store.set("d", "3")
    fresh = EncryptedStore(path, OTHER)
    assert [fresh.find(name) for name in "abd"] == ["1", {"c": 2}, "3"]


def test_rotation_without_the_key_of_a_row_changes_nothing(path):
    EncryptedStore(path, KEY).set("a", "1")
    EncryptedStore(path, OTHER).set("b", "2")
    before = path.read_bytes()
    with pytest.raises(RequestError):
        EncryptedStore(path, OTHER).rotate(Key.generate())
    assert path.read_bytes() == before


def test_a_keyring_reads_what_an_older_key_wrote(path):
    EncryptedStore(path, KEY).set("a", "1")
    assert EncryptedStore(path, Keyring(OTHER, (KEY,))).find("a") == "1"


def _set_many(path, name):
    store = EncryptedStore(path, KEY)
    for number in range(5):
        store.set(f"{name}{number}", "x")


def test_writers_in_several_processes_lose_nothing(path):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_set_many, args=(path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert len(EncryptedStore(path, KEY).names()) == 10


@settings(deadline=None, max_examples=25)
@given(
    value=st.text(st.characters(codec="utf-8"))
    | st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(-9, 9) | st.none()),
    name=st.text(st.characters(codec="utf-8"), min_size=1),
)
def test_every_value_comes_back_under_every_name(tmp_path_factory, value, name):
    store = EncryptedStore(tmp_path_factory.mktemp("store") / "s", KEY)
    store.set(name, value)
    assert store.find(name) == value


def test_a_key_is_read_from_the_environment_with_older_ones_behind_it():
    ring = Keyring.from_environment({"BATUTA_KEY": f"{KEY.to_text()} {OTHER.to_text()}"})
    assert ring == Keyring(KEY, (OTHER,))
    assert Keyring.from_environment({}) is None


def test_a_created_key_file_is_read_back_and_never_written_over(tmp_path):
    path = tmp_path / "key"
    ring = Keyring.create(path)
    assert Keyring.from_file(path) == ring
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConflictError):
        Keyring.create(path)


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o601])
def test_a_key_file_that_others_may_open_is_refused(tmp_path, mode):
    path = tmp_path / "key"
    Keyring.create(path)
    path.chmod(mode)
    with pytest.raises(RequestError) as refused:
        Keyring.from_file(path)
    assert "chmod 600" in refused.value.hint


def test_a_missing_or_empty_key_file_is_told(tmp_path):
    with pytest.raises(NotFoundError):
        Keyring.from_file(tmp_path / "none")
    path = tmp_path / "empty"
    path.touch(0o600)
    with pytest.raises(RequestError, match="holds no key"):
        Keyring.from_file(path)


@pytest.mark.parametrize("text", ["not base64!", "c2hvcnQ=", ""])
def test_what_is_no_key_is_refused_and_not_repeated(text):
    with pytest.raises(RequestError) as refused:
        Key.from_text(text)
    assert not text or text not in str(refused.value)


def test_a_key_is_read_in_every_spelling_of_base64_and_never_shown():
    key = Key(b"\xff" * 32)
    assert Key.from_text(key.to_text().replace("/", "_").rstrip("=")) == key
    assert repr(key) == "Key()"
