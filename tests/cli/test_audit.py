"""`batuta audit`: what is old is forgotten on demand, and that is noted."""

from contextlib import closing

from batuta.adapters.stores.sqlite import SqliteStore


def rows(folder):
    with closing(SqliteStore(folder / ".batuta/batuta.db")) as store:
        return store.audits()


def test_old_rows_are_forgotten_and_that_is_noted(cli, folder):
    cli("keys", "add", "ci")
    kept = cli("audit", "purge", "--json")
    assert kept.json == {"purged": 0}
    assert [one.action for one in rows(folder)] == ["key.add"]

    gone = cli("audit", "purge", "--older-than", "0s")
    (row,) = rows(folder)
    assert gone.out.startswith("forgot 1 row older than 0s")
    assert [row.action, row.by, row.detail["rows"]] == ["audit.purge", "command line", 1]


def test_what_is_kept_for_ever_is_forgotten_by_age_only(cli, folder):
    folder.joinpath("batuta.toml").write_text("audit_days = 0\n")
    refused = cli("audit", "purge")

    assert refused.code == 2
    assert "audit_days is 0" in refused.err
