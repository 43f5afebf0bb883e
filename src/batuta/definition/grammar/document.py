"""The document around the tasks: `document`, `use`, `schedule` and the workflow's own data flow."""

from __future__ import annotations

from batuta.definition.grammar.own import DOCUMENT_METADATA
from batuta.definition.grammar.rules import read_needs_events, strict_only
from batuta.definition.grammar.values import (
    AUTHENTICATION_POLICY,
    CONSUMPTION,
    DECISION,
    ENDPOINT,
    ERROR,
    READ,
    RETRY_POLICY,
    TEXT,
    TIMEOUT,
    TIMEOUT_POLICY,
    data_flow,
    optional,
    required,
)
from batuta.definition.shapes import (
    Entries,
    Field,
    Free,
    Items,
    Length,
    OneTask,
    Record,
    Table,
    Tasks,
    Text,
)

_DOCUMENT = Record(
    "a document's head",
    {
        **required(
            dsl=Text(form="dsl"),
            namespace=Text(form="label"),
            name=Text(form="label"),
            version=Text(form="version"),
        ),
        **optional(title=TEXT, summary=TEXT, tags=Table(Free()), metadata=DOCUMENT_METADATA),
    },
)
_EXTENSION = Record(
    "an extension",
    {
        **required(
            extend=Text(
                choices=(
                    "all",
                    "call",
                    "composite",
                    "do",
                    "emit",
                    "for",
                    "fork",
                    "listen",
                    "raise",
                    "run",
                    "set",
                    "switch",
                    "try",
                    "wait",
                )
            )
        ),
        "when": Field(DECISION, stage="task"),
        **optional(before=Tasks(), after=Tasks()),
    },
)
_SHARED = {
    name: Field(Table(shape, names="some"), stage="shared")
    for name, shape in (
        ("authentications", AUTHENTICATION_POLICY),
        ("errors", ERROR),
        ("retries", RETRY_POLICY),
        ("timeouts", TIMEOUT_POLICY),
    )
}
"""What tasks use by name: its expressions see what the task that uses it sees."""

_USE = Record(
    "reusable components",
    {
        **_SHARED,
        **optional(
            catalogs=Table(Record("a catalogue", required(endpoint=ENDPOINT)), names="catalog"),
            extensions=Entries(_EXTENSION),
            functions=Table(OneTask(), names="function"),
            secrets=Items(Text(form="some")),
        ),
    },
)
_SCHEDULE = Record(
    "a schedule",
    optional(
        every=Length(fixed=True, positive=True),
        cron=Text(form="cron"),
        after=Length(fixed=True),
        on=CONSUMPTION,
        read=READ,
    ),
    rules=(read_needs_events,),
)

DOCUMENT = Record(
    "a workflow",
    {
        **required(document=_DOCUMENT, do=Tasks()),
        **optional(
            use=_USE,
            input=data_flow("an input", "from", "workflow.from"),
            output=data_flow("an output", "as", "workflow.output"),
            evaluate=Record(
                "how expressions are evaluated",
                optional(language=Text(form="language"), mode=Text(choices=("strict", "loose"))),
                rules=(strict_only,),
            ),
        ),
        "timeout": Field(TIMEOUT, stage="workflow.timeout"),
        "schedule": Field(_SCHEDULE, stage="schedule"),
    },
    hints={
        "metadata": "it belongs under `document:`",
        "functions": "it belongs under `use:`",
        "secrets": "it belongs under `use:`",
        "name": "it belongs under `document:`",
        "tasks": "the tasks of a workflow are called `do`",
    },
)
