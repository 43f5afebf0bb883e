"""A consumer's place on random work: nothing is lost, nothing is given twice at a time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batuta.adapters.buses.sqlite.place import NOBODY, Place

REPLICAS = st.sampled_from("abc")


class Places(RuleBasedStateMachine):
    """One place, driven by what can happen to it; between any two steps it may be written."""

    def __init__(self):
        super().__init__()
        self.place = Place()
        self.now = 0
        self.newest = 0
        self.done = set()
        self.attempts = {}
        self.deadlines = {}

    @rule(replica=REPLICAS, window=st.integers(1, 4))
    def join(self, replica, window):
        if replica not in self.place.windows:
            self.place.join(replica, window)

    @rule(replica=REPLICAS)
    def leave(self, replica):
        self.place.leave(replica, self.now)

    @rule(count=st.integers(0, 5), passed=st.integers(0, 6))
    def lend(self, count, passed):
        self.newest += count
        self.now += passed
        waiting = list(range(self.place.given + 1, self.newest + 1))
        for loan in self.place.lend(waiting, self.newest, self.now, self.now + 5):
            assert loan.holder in self.place.windows
            for number in loan.numbers:
                assert number not in self.done
                before = self.attempts.get(number, 0)
                assert loan.attempt == before + 1
                assert not before or self.deadlines[number] <= self.now
                self.attempts[number] = loan.attempt
                self.deadlines[number] = loan.due
        if self.place.windows and self.place.room():
            assert self.place.given == self.newest

    @rule(number=st.integers(1, 40))
    def acknowledge(self, number):
        if number in self.attempts:
            self.done.add(number)
        self.place.acknowledge([number])

    @rule(number=st.integers(1, 40), delay=st.integers(0, 9))
    def refuse(self, number, delay):
        if number in self.attempts and number not in self.done:
            self.deadlines[number] = self.now + delay
        self.place.refuse(number, self.now + delay)

    @rule()
    def write_and_read(self):
        self.place = Place(self.place.given, self.place.kept())

    @invariant()
    def nothing_is_lost(self):
        lent = [number for loan in self.place.loans for number in loan.numbers]
        assert len(lent) == len(set(lent))
        assert set(lent) == set(range(1, self.place.given + 1)) - self.done
        assert self.place.unacknowledged() == len(lent)

    @invariant()
    def nobody_has_more_than_a_window(self):
        for replica, window in self.place.windows.items():
            held = sum(len(loan.numbers) for loan in self.place.loans if loan.holder == replica)
            assert held <= window

    @invariant()
    def deadlines_are_known(self):
        for loan in self.place.loans:
            assert loan.numbers
            if loan.holder == NOBODY and not loan.resting:
                for number in loan.numbers:
                    self.deadlines[number] = min(self.deadlines[number], self.now)
        due = self.place.next_due(self.now)
        assert due is None or due > self.now


class TestPlaces(Places.TestCase):
    settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_messages_are_dealt_to_who_has_the_most_room():
    place = Place()
    place.join("a", 3)
    place.join("b", 5)

    loans = place.lend(list(range(1, 11)), 10, now=0, until=9)

    held = {loan.holder: sorted(loan.numbers) for loan in loans}
    assert held == {"a": [3, 5, 7], "b": [1, 2, 4, 6, 8]}
    assert place.given == 8


def test_what_is_due_comes_before_what_is_new():
    place = Place()
    place.join("a", 2)
    place.lend([1, 2, 3], 3, now=0, until=5)
    place.refuse(1, due=3)

    (loan,) = place.lend([3], 3, now=4, until=9)

    assert (loan.numbers, loan.attempt) == ({1}, 2)
    assert place.given == 2
