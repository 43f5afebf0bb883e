"""Every code that a problem with running a workflow without a conductor can carry.

Owns the list, as `definition.codes` owns that of documents; the codes of both share one name space
and one page of the docs. A new code needs a line here, advice in `tools/error_advice.toml`, and a
test that produces it.
"""

from __future__ import annotations

from types import MappingProxyType

from batuta.definition.codes import Code


def _error(meaning: str) -> Code:
    return Code("error", meaning)


def _warning(meaning: str) -> Code:
    return Code("warning", meaning)


CODES: MappingProxyType[str, Code] = MappingProxyType(
    {
        # Who does what.
        "nobody-starts": _error("No participant is named that could react to the start of a run."),
        "owner-missing": _error("A task that acts has no participant that performs it."),
        "owner-ambiguous": _error("An emit or wait may fall to one participant or another."),
        "foreach-leaves": _error("A listen's `foreach` has tasks of another participant."),
        "external-acts": _error("A participant that is not ours is to do more than answer calls."),
        "external-starts": _error("A participant that is not ours is to react to the start."),
        "participant-idle": _warning("A participant is declared and has nothing to do."),
        # What may be known where.
        "secret-decides": _error("A secret decides what whoever holds control does next."),
        "secret-shared": _error("A secret is read where another than its owner may be."),
        # Branches.
        "fork-exports": _error("Branches of a fork export the same member of the context."),
        "fork-exports-unclear": _warning("Branches of a fork may export the same of the context."),
        "compete-uncompensated": _warning("A branch that loses cannot be undone."),
        # Events.
        "event-ambiguous": _error("One type of event stands for two things in the workflow."),
        "event-reserved": _error("A type of event begins as those of Batuta itself do."),
        "event-too-long": _error("A type of event is longer than any bus takes."),
        "event-unheard": _warning("No workflow of the folder hears an event that is emitted."),
        "event-name-clash": _warning("Two tasks' events would have one name; one gets a number."),
        "child-unknown": _warning("Which workflow is run is computed, so all events are heard."),
    }
)
"""Code to meaning, in the order of the page."""
