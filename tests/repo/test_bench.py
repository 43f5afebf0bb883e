"""The benchmark of the server runs, and its figures get into the tables."""

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
LINE = {
    "version": "0",
    "tasks_per_s": 2345.0,
    "p50_ms": 1.5,
    "p99_ms": 7.25,
    "settings": {"pages": 200, "share": 0.96, "busy_p99_ms": 131.0, "missed": 3},
}


@pytest.fixture
def bench(monkeypatch):
    """The modules of the benchmark, which is no package: `run` and `tables`."""
    monkeypatch.setattr(sys, "path", [str(BENCH), *sys.path])
    import run
    import tables

    yield run, tables
    for name in ("run", "tables"):
        sys.modules.pop(name, None)


def test_every_work_has_somebody_who_does_it_and_a_place_in_the_readme(bench):
    run, _ = bench
    done = {work for one in run.CONTENDERS for work in one.works}
    told = (BENCH / "README.md").read_text("utf-8")

    for works in run.GROUPS.values():
        assert set(works) <= done
    for work in run.GROUPS["served"]:
        assert f"| `{work}` |" in told
        assert work in run.QUICK


def test_the_figures_of_the_server_are_in_its_tables(bench):
    run, tables = bench
    found = {f"batuta server/{work}": [LINE] for work in tables.SERVED}
    text = tables.tables(found, run.order())

    for figure in ("2,345", "1.50", "7.25", "0.96", "131", "3.00"):
        assert figure in text


@pytest.mark.slow
def test_the_server_is_measured(bench):
    run, _ = bench
    (contender,) = [one for one in run.CONTENDERS if one.name == "batuta server"]
    line = run.once(contender, "http-publish", quick=True)

    assert line.get("skipped") is None
    assert line["tasks_per_s"] > 0
    assert line["p50_ms"] > 0
    assert line["settings"]["server_cpu_us"] > 0


@pytest.mark.slow
def test_what_pages_cost_is_measured(bench):
    run, _ = bench
    (contender,) = [one for one in run.CONTENDERS if one.name == "batuta server"]
    line = run.once(contender, "pages", quick=True)

    assert line.get("skipped") is None
    assert line["settings"]["pages"] == 200
    assert line["settings"]["messages_per_page_s"] > 0
    assert line["settings"]["share"] > 0
