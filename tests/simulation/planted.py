"""Bugs to be planted in the product, to see whether the simulation finds them.

Each is a function that plants one by pytest's `monkeypatch`, named after what it does. They are
mistakes of the kind that review overlooks: a check left out, two lines in the wrong order.
"""

from __future__ import annotations

import asyncio

import msgspec

from batuta.kernel import step as stepping
from batuta.kernel.commands import Perform
from batuta.kernel.events import Arrived, BranchEnded
from batuta.kernel.tasks import away, fork
from batuta.runtime.participant.deliveries import Deliveries
from batuta.runtime.participant.ears import BusHearing
from batuta.runtime.participant.outbox import Outbox
from batuta.runtime.participant.receiving import Receiving
from batuta.runtime.participant.taking import Taking
from batuta.runtime.shared.driving.housing import Housing
from batuta.runtime.shared.driving.recording import Recorder, Release
from batuta.runtime.shared.replay import Ledger
from batuta.testing import memory_store
from batuta.testing.simulation import processes


def replace_event(patch, kind, change):
    """Let the kernel take another event than the one that came."""
    take = stepping._TAKE
    changed = {**take, kind: lambda t, event: take[kind](t, change(t, event))}
    patch.setattr(stepping, "_TAKE", changed)


def wrap(patch, owner, name, around):
    """Put a function around another: it is given the other one, and its arguments."""
    inner = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **named: around(inner, *args, **named))


# -- between bus and store -------------------------------------------------------------------------


def the_inbox_is_not_asked(patch):
    patch.setattr(Deliveries, "came_before", lambda *_: False)


def messages_are_acknowledged_before_the_commit(patch):
    def written(self, delivery):
        delivery.left -= 1
        if not delivery.left:
            self._acknowledge([delivery])

    patch.setattr(Deliveries, "written", written)


def what_is_sent_is_published_before_the_commit(patch):
    def note(inner, self, *row):
        inner(self, *row)
        self.ship(self._participant.committer.batch.outbox[-1:])

    wrap(patch, Outbox, "_note", note)


def the_outbox_is_not_published_after_a_crash(patch):
    def start(inner, self):
        self.ship = lambda _: None
        inner(self)
        del self.ship

    wrap(patch, Outbox, "start", start)


def tokens_are_taken_by_everybody(patch):
    patch.setattr(Receiving, "_is_mine", lambda *_: True)


def early_events_are_dropped(patch):
    patch.setattr(BusHearing, "subscribed", lambda *_: None)


def what_ended_elsewhere_is_forgotten(patch):
    def ended(inner, self, delivery, envelope, program):
        if self._knowing.part(envelope.batutarun or "") is not None:
            inner(self, delivery, envelope, program)

    wrap(patch, Receiving, "_ended", ended)


def what_follows_is_carried_out_before_the_commit(patch):
    def note(inner, self, *taken):
        releases = self._driver.committer.releases
        before = len(releases)
        inner(self, *taken)
        for one in releases[before:]:
            if isinstance(one, Release):
                releases.remove(one)
                asyncio.get_running_loop().call_soon(one)

    wrap(patch, Recorder, "note", note)


def what_an_answer_at_once_leads_to_is_not_waited_for(patch):
    def note(inner, self, run, event, taken, now, told):
        early = self._participant.early
        self._participant.early = released = []
        inner(self, run, event, taken, now, told)
        self._participant.early = early
        for one in released if early is None else ():
            one()

    wrap(patch, Taking, "_note", note)


def an_answer_at_once_is_left_out_of_the_journal(patch):
    def note(inner, self, run, event, *taken):
        if isinstance(event, Arrived):
            event = msgspec.structs.replace(event, answer=None)
        inner(self, run, event, *taken)

    wrap(patch, Recorder, "note", note)


# -- over a crash ----------------------------------------------------------------------------------


def timers_are_lost_on_restart(patch):
    def wake_due(inner, self):
        if self._driver.owner.endswith(" 1"):
            inner(self)

    wrap(patch, Housing, "wake_due", wake_due)
    patch.setattr(Recorder, "set_timer", _only_in_the_first_life(Recorder.set_timer))


def _only_in_the_first_life(set_timer):
    def limited(self, run):
        if self._driver.owner.endswith(" 1"):
            set_timer(self, run)

    return limited


def answered_tasks_are_asked_for_again(patch):
    def note(inner, self, event, commands):
        answered = self.asked.get(getattr(event, "key", ""))
        inner(self, event, commands)
        if isinstance(answered, Perform):
            self.asked.setdefault(answered.key, answered)

    wrap(patch, Ledger, "note", note)


def a_process_that_lost_its_lease_goes_on(patch):
    def kill(self, why):
        self.is_up = False
        self.world.loop.at_in(self.world.loop.world, self.world.loop.now + 1, self.boot)

    patch.setattr(processes.Host, "kill", kill)
    patch.setattr(memory_store, "_refuse_conflicts", lambda *_: None)


# -- what control means ----------------------------------------------------------------------------


def a_later_timer_is_not_set(patch):
    def set_timer(inner, self, run):
        inner(self, run)
        run.timer_at = run.state.wake

    wrap(patch, Recorder, "set_timer", set_timer)


def a_join_counts_a_branch_twice(patch):
    take = stepping._TAKE

    def end_branch(t, event):
        changes = take[BranchEnded](t, event)
        owner = t.tokens.get(event.owner)
        if changes is not None and owner is not None:
            state = getattr(owner.frame, "state", None)
            for index, one in enumerate(getattr(state, "branches", ())):
                if one.status == "running":
                    t.follow(fork.take_branch(t, owner, index, event.branch))
                    break
        return changes

    patch.setattr(stepping, "_TAKE", {**take, BranchEnded: end_branch})


def compensations_are_lost_on_the_way(patch):
    def without_log(_, event):
        token = msgspec.structs.replace(event.handed.token, log=())
        handed = msgspec.structs.replace(event.handed, token=token)
        return msgspec.structs.replace(event, handed=handed)

    replace_event(patch, Arrived, without_log)


def branches_give_each_others_outputs(patch):
    def take_branch(inner, t, owner, index, ended):
        action = inner(t, owner, index, ended)
        if action is not None and t.program.part is not None and isinstance(action[6:7], tuple):
            given = [one[::-1] if isinstance(one, list) else one for one in action]
            return tuple(given)
        return action

    wrap(patch, fork, "take_branch", take_branch)


def a_branch_elsewhere_is_not_waited_for(patch):
    patch.setattr(away, "_withdraw", lambda *_: True)


BUGS = (
    the_inbox_is_not_asked,
    messages_are_acknowledged_before_the_commit,
    what_is_sent_is_published_before_the_commit,
    the_outbox_is_not_published_after_a_crash,
    tokens_are_taken_by_everybody,
    early_events_are_dropped,
    what_ended_elsewhere_is_forgotten,
    what_follows_is_carried_out_before_the_commit,
    what_an_answer_at_once_leads_to_is_not_waited_for,
    an_answer_at_once_is_left_out_of_the_journal,
    timers_are_lost_on_restart,
    answered_tasks_are_asked_for_again,
    a_process_that_lost_its_lease_goes_on,
    a_later_timer_is_not_set,
    a_join_counts_a_branch_twice,
    compensations_are_lost_on_the_way,
    branches_give_each_others_outputs,
    a_branch_elsewhere_is_not_waited_for,
)
