"""What goes wrong with a file, what the reader is told, and that nothing is lost by it."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading

import pytest

from batuta.adapters.stores.sqlite import SqliteStore, connection
from batuta.adapters.stores.sqlite.connection import migrate, statements
from batuta.adapters.stores.sqlite.queries import migrations
from batuta.errors import BatutaError, CorruptError, RequestError, UnavailableError
from batuta.ports.store import Batch
from batuta.testing.store_material import batch_of, event, row, run_row


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def store(path):
    store = SqliteStore(path)
    yield store
    store.close()


@pytest.fixture
def impatient(monkeypatch):
    """Wait for others a moment only."""
    monkeypatch.setattr(connection, "BUSY_MS", 40)


def plain(path):
    """Open the file without our store."""
    return sqlite3.connect(path, isolation_level=None)


def started(*ids):
    """Return a batch that starts runs."""
    return batch_of(runs=[run_row(one) for one in ids], journal=[row(one, 1) for one in ids])


def schema(path):
    """Return the schema of a file, in words."""
    with plain(path) as db:
        found = db.execute(
            "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
        ).fetchall()
    db.close()
    return found


def at_version(path, number):
    """Make a file as the version of Batuta wrote it whose newest migration had this number."""
    db = plain(path)
    for known, script in migrations():
        if known <= number:
            db.executescript(script)
    db.execute(f"PRAGMA user_version = {number}")
    db.close()


# -- the schema ------------------------------------------------------------------------------------


def test_migrations_are_numbered_without_gaps():
    numbers = [number for number, _ in migrations()]

    assert numbers == list(range(1, len(numbers) + 1))


def test_the_schema_is_the_sum_of_the_migrations(path, store, tmp_path):
    summed = tmp_path / "summed.db"
    at_version(summed, 99)

    assert schema(path) == schema(summed)
    with plain(path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(migrations())
    db.close()


def test_a_script_is_split_at_its_statements():
    script = "-- why; because\nCREATE TABLE a (b TEXT);\nINSERT INTO a VALUES (';');\n"

    assert len(list(statements(script))) == 2


@pytest.mark.parametrize("number", range(len(migrations())))
def test_a_file_of_an_older_version_is_migrated_with_what_it_holds(path, number):
    at_version(path, number)
    if number:
        with plain(path) as db:
            db.execute("INSERT INTO journal VALUES ('old', 1, 2, x'7b7d', NULL)")
        db.close()

    store = SqliteStore(path)

    store.commit(started("new"))
    assert [len(list(store.journal(one))) for one in ("old", "new")] == [int(number > 0), 1]
    store.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    at_version(path, 1)
    before = schema(path)
    broken = [*migrations()[:1], (2, "CREATE TABLE new (a TEXT);\nCREATE TABLE new (a TEXT);\n")]
    monkeypatch.setattr(connection, "migrations", lambda: broken)

    with pytest.raises(UnavailableError):
        SqliteStore(path)

    assert schema(path) == before


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path):
    at_version(path, 99)
    before = path.read_bytes()

    with pytest.raises(RequestError, match="newer version") as caught:
        SqliteStore(path)

    assert "upgrade" in caught.value.hint
    assert plain(path).execute("PRAGMA user_version").fetchone()[0] == 99
    assert len(before) == path.stat().st_size


def test_processes_that_open_a_new_file_at_once_make_it_together(path):
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from batuta.adapters.stores.sqlite import SqliteStore
        print("ready", flush=True)
        sys.stdin.readline()
        SqliteStore(Path(sys.argv[1])).close()
        print("opened", flush=True)
    """)
    ways = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)], **ways) for _ in range(4)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()

    assert [child.communicate()[0] for child in children] == ["opened\n"] * 4


# -- another process -------------------------------------------------------------------------------


def test_a_file_locked_by_another_process_is_said_and_work_goes_on_after(impatient, path, tmp_path):
    store = SqliteStore(path)
    holder = plain(path)
    holder.execute("BEGIN IMMEDIATE")
    batch = started("r1")

    with pytest.raises(UnavailableError, match="locked by another process") as caught:
        store.commit(batch)
    assert "fuser" in caught.value.hint
    with pytest.raises(UnavailableError, match="locked by another process"):
        SqliteStore(path)
    assert store.runs().rows == []

    holder.close()
    store.commit(batch)
    assert [one.id for one in store.runs().rows] == ["r1"]
    store.close()


def test_a_write_from_the_loop_waits_for_the_commit_under_way(path, store):
    entered, go = threading.Event(), threading.Event()

    class Slow(Batch):
        @property
        def runs(self):
            entered.set()
            go.wait(10)
            return [run_row("r1")]

        @runs.setter
        def runs(self, value):
            pass

    committing = threading.Thread(target=store.commit, args=(Slow(),))
    committing.start()
    assert entered.wait(10)
    asking = threading.Thread(target=store.ask, args=("r1", b"1"))
    asking.start()
    assert store.runs().rows == [], "nobody sees half of it"

    go.set()
    committing.join(10)
    asking.join(10)

    assert [one.body for one in store.requests("owner")] == [b"1"]


# -- the file --------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_written_is_said_when_it_is_opened(path, store, monkeypatch):
    real = sqlite3.connect

    def read_only(*args, **ways):
        opened = real(*args, **ways)
        opened.execute("PRAGMA query_only = ON")
        return opened

    monkeypatch.setattr(sqlite3, "connect", read_only)

    with pytest.raises(UnavailableError, match="cannot be opened for writing") as caught:
        SqliteStore(path)
    assert "permissions" in caught.value.hint


def test_a_place_where_no_file_can_be_is_said(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError, match="cannot be made a folder"):
        SqliteStore(tmp_path / "file" / "runs.db")
    with pytest.raises(UnavailableError, match="cannot be opened"):
        SqliteStore(tmp_path)


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path):
    SqliteStore(tmp_path / "a" / "runs.db").close()

    assert (tmp_path / "a").stat().st_mode & 0o77 == 0


def test_a_file_that_is_no_database_is_said_and_left_alone(path):
    path.write_text("document:\n  dsl: '1.0.3'\n" * 100)
    before = path.read_bytes()

    with pytest.raises(CorruptError, match="is damaged") as caught:
        SqliteStore(path)

    assert "restore a backup" in caught.value.hint
    assert path.read_bytes() == before


def test_damaged_pages_are_said_when_they_are_read(path):
    SqliteStore(path).close()
    schema = path.stat().st_size // 4096
    store = SqliteStore(path)
    for number in range(40):
        store.commit(batch_of(journal=[row("r1", number, os.urandom(3_000))]))
    store.close()
    with path.open("r+b") as file:
        for page in range(schema, path.stat().st_size // 4096 - 2):
            file.seek(page * 4096)
            file.write(b"\xa5" * 4096)

    store = SqliteStore(path)
    with pytest.raises(CorruptError, match="is damaged") as caught:
        list(store.journal("r1"))
    store.close()

    assert "keep a copy" in caught.value.hint


def test_a_full_disk_is_said_and_the_same_batch_goes_through_after(path, store):
    store.commit(started("r1"))
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    large = batch_of(
        runs=[run_row("r2")],
        journal=[row("r2", 1, b"x" * 100_000)],
        events=[(1, event("e1"))],
    )

    for _ in range(2):
        with pytest.raises(UnavailableError, match="no room left") as caught:
            store.commit(large)
        assert "goes on by itself" in caught.value.hint
        assert store.run("r2") is None
        assert store.events(0) == []

    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.commit(large)
    assert store.run("r2") is not None
    assert len(list(store.journal("r1"))) == 1


def test_a_disk_that_fails_in_the_middle_loses_nothing(path):
    """A limit on the size of files stands for it: writing fails behind SQLite's back."""
    code = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from batuta.adapters.stores.sqlite import SqliteStore
        from batuta.errors import UnavailableError
        from batuta.testing.store_material import batch_of, row, run_row

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = SqliteStore(Path(sys.argv[1]))
        store.commit(batch_of(runs=[run_row("r1")], journal=[row("r1", 1)]))
        log = Path(sys.argv[1] + "-wal")
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 5_000, hard))
        large = batch_of(runs=[run_row("r2")], journal=[row("r2", 1, b"x" * 50_000)])
        try:
            store.commit(large)
        except UnavailableError as error:
            print("told:", error.message, flush=True)
        print([one.id for one in store.runs().rows], flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        store.commit(large)
        print([one.id for one in store.runs().rows], flush=True)
        store.close()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    told, during, after = done.stdout.splitlines()

    assert told.startswith("told:")
    assert (during, after) == ("['r1']", "['r2', 'r1']")
    assert resource.RLIMIT_FSIZE >= 0
    with plain(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


def test_a_copy_of_the_files_of_a_living_store_is_whole(path, store, tmp_path):
    """What a kill leaves behind: the file and its log, whatever the process still held."""
    for number in range(1, 50):
        store.commit(batch_of(journal=[row("r1", number, b"x" * 500)]))
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(f"{path}-wal", f"{copy}-wal")

    again = SqliteStore(copy)

    assert [one.seq for one in again.journal("r1")] == list(range(1, 50))
    again.close()


def test_a_batch_that_cannot_be_written_at_all_leaves_the_lock_free(path, store):
    with pytest.raises(TypeError):
        store.commit(batch_of(events=[(1, event("e1", data=object()))]))

    store.commit(started("r1"))
    assert store.run("r1") is not None


def test_an_error_without_a_better_word_says_that_nothing_was_written(path):
    found = connection.meaning_of(sqlite3.OperationalError("odd"), path)

    assert isinstance(found, UnavailableError)
    assert "nothing was written" in found.hint


def test_every_commit_is_synced(store):
    assert store._writer.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store._writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_migrating_a_current_file_does_nothing(path, store):
    migrate(store._writer, path)

    assert not store._writer.in_transaction
    assert issubclass(UnavailableError, BatutaError)
