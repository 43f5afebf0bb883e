"""Verdicts for lists: what is stored suffices for a conductor's runs, others are compared once."""

import msgspec
import pytest

from batuta.app.verdicts import Verdicts
from batuta.insight.conformance import Conformance
from batuta.ports.store import RunRow


class Compared:
    """Compares runs, and counts how often."""

    def __init__(self):
        self.times = 0
        self.is_known = True

    def rules(self, _):
        return object() if self.is_known else None

    def known(self, _):
        self.times += 1
        return msgspec.defstruct("Known", [("conformance", Conformance)])(
            Conformance(verdict="violation")
        )


@pytest.fixture
def compared():
    return Compared()


def row(control, **more):
    return RunRow(id="r", workflow="t/w:1.0.0", control=control, started_at=1, **more)


@pytest.mark.parametrize(
    ("more", "sla", "verdict"),
    [
        ({}, {}, "ok"),
        ({"stuck": 5}, {}, "stuck"),
        ({"problem": "a bug"}, {}, "stuck"),
        ({"stuck": 5, "ended_at": 9}, {}, "ok"),
        ({"ended_at": 9}, {"r": "breached"}, "late"),
        ({}, {"r": "warned"}, "ok"),
    ],
)
def test_a_conductors_run_is_judged_by_what_is_stored(compared, more, sla, verdict):
    assert Verdicts(compared).of([row("orchestrated", **more)], sla) == {"r": verdict}
    assert compared.times == 0


def test_of_a_version_that_is_not_known_here_nothing_is_said_for_certain(compared):
    compared.is_known = False
    assert Verdicts(compared).of([row("orchestrated")], {}) == {"r": "inconclusive"}


def test_a_choreographed_run_is_compared_again_when_more_is_seen_of_it(compared):
    verdicts = Verdicts(compared)
    for check_at in (7, 7, 8):
        found = verdicts.of([row("choreographed", check_at=check_at)], {})
        assert found == {"r": "violation"}

    assert compared.times == 2


def test_when_a_page_has_taken_long_the_rest_of_it_has_no_verdict_yet(compared):
    times = iter([0.0, 0.0, 1.0])
    verdicts = Verdicts(compared, lambda: next(times))
    rows = [
        msgspec.structs.replace(row("choreographed"), id="a"),
        msgspec.structs.replace(row("choreographed"), id="b"),
    ]

    assert verdicts.of(rows, {}) == {"a": "violation"}
    assert compared.times == 1
