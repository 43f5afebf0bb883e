"""Our own words, under `metadata`: participants, compensation, soft deadlines, business events.

Owns the schema of the keys that Batuta gives a meaning; the DSL leaves `metadata` to its readers.
Users keep keys of their own beside ours when these are namespaced (`example.com/team`), so that a
misspelt key of ours is never taken for one of theirs.
"""

from __future__ import annotations

from batuta.definition.grammar.rules import always, warning_before_end
from batuta.definition.grammar.values import PROGRAM, TEXT, optional, required
from batuta.definition.shapes import (
    Either,
    Field,
    Flag,
    Length,
    Names,
    Nothing,
    OneTask,
    Record,
    Table,
    Text,
)

_SLA = Record(
    "an SLA",
    {
        **required(within=Length(fixed=True, positive=True)),
        **optional(warn=Length(fixed=True, positive=True)),
    },
    rules=(warning_before_end,),
    hints={"after": "a soft deadline is `within`; a hard one is the task's `timeout`"},
)
_PARTICIPANT = Either(
    "an object { title, owner, external }",
    {
        "object": Record("a participant", optional(title=TEXT, owner=TEXT, external=Flag())),
        "null": Nothing(),
    },
)

TASK_METADATA = Record(
    "the metadata of a task",
    optional(
        participant=Text(names=Names.PARTICIPANT),
        event=Text(form="event-type"),
        compensate=OneTask(),
        sla=_SLA,
    ),
    binds=always({"compensate": frozenset({"input", "output"})}),
    own_keys=True,
)

DOCUMENT_METADATA = Record(
    "the metadata of a document",
    {
        **optional(
            control=Text(choices=("orchestrated", "choreographed")),
            participants=Table(_PARTICIPANT, names="word"),
            participant=Text(names=Names.PARTICIPANT),
            sla=_SLA,
        ),
        # What a run is searched by: names and expressions on the workflow's transformed input.
        "keys": Field(Table(PROGRAM, names="word"), stage="workflow.keys"),
    },
    own_keys=True,
)
