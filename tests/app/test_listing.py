"""Queries: what people and programs write, and what is said of what cannot be meant."""

import pytest

from batuta.adapters.stores.sqlite import SqliteStore
from batuta.app.listing import Listing, RunQuery
from batuta.app.views import row_view
from batuta.definition.error_types import TIMEOUT
from batuta.errors import RequestError
from batuta.ports.listing import RunFilter
from batuta.testing.store_material import batch_of, run_row

DOCUMENT = (
    b'{"document": {"document": {"metadata": {"participants": {"desk": null}, '
    b'"participant": "clerk"}}, "do": [{"a": {"metadata": {"participant": "stock"}}}, 1]}}'
)


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    yield store
    store.close()


@pytest.fixture
def listing(store):
    def verdicts(rows, _):
        return {row.id: "ok" for row in rows}

    return Listing(store, lambda row: row_view(row, row.status, row.problem), store, verdicts)


def test_what_is_not_asked_for_does_not_matter(listing):
    assert listing.filter(RunQuery()) == RunFilter()
    assert listing.filter(RunQuery(q="")) == RunFilter()


def test_everything_asked_for_is_what_the_store_is_asked(listing):
    query = RunQuery(
        workflow="t/w",
        version="1.0.0",
        control="orchestrated",
        status=("faulted", "completed"),
        stuck=False,
        since="1970-01-01T00:00:01Z",
        until="1970-01-01T01:00:02+01:00",
        error="timeout",
        keys={"order": "1"},
        q="A",
    )
    assert listing.filter(query) == RunFilter(
        workflow="t/w",
        version="1.0.0",
        control="orchestrated",
        statuses=("faulted", "completed"),
        stuck=False,
        since=1_000,
        until=2_000,
        error=TIMEOUT,
        keys={"order": "1"},
        text="A",
    )
    assert listing.filter(RunQuery(error="https://mine")).error == "https://mine"


@pytest.mark.parametrize("name", ["desk", "clerk", "stock"])
def test_a_participant_is_one_that_a_document_declares_or_names(store, listing, name):
    store.deploy("t/w:1.0.0", "d", DOCUMENT, 1)
    store.deploy("t/v:1.0.0", "e", b'{"document": {}}', 1)
    store.commit(batch_of(runs=[run_row("r1"), run_row("r2", workflow="t/v:1.0.0")]))

    assert [view.id for view in listing.find(RunQuery(participant=name)).items] == ["r1"]
    assert listing.find(RunQuery(participant="nobody")).items == []


def test_pages_go_on_where_the_last_one_ended(store, listing):
    store.commit(batch_of(runs=[run_row(f"r{number}") for number in range(5)]))
    first = listing.find(RunQuery(), limit=3)
    second = listing.find(RunQuery(), after=first.next, limit=3)

    assert [view.id for view in first.items] == ["r4", "r3", "r2"]
    assert [view.id for view in second.items] == ["r1", "r0"]
    assert second.next is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"control": "both"}, "control: there is no 'both'"),
        ({"status": ("done",)}, "status: there is no 'done'"),
        ({"since": "yesterday"}, "since: 'yesterday' is no time"),
        ({"until": "2026-01-31T12:00:00"}, "until: '2026-01-31T12:00:00' is no time"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_with_the_field(listing, asked, words):
    with pytest.raises(RequestError, match="^" + words):
        listing.find(RunQuery(**asked))
