"""The twelve kinds of task, by the property that tells them apart."""

from __future__ import annotations

from batuta.definition.grammar.own import TASK_METADATA
from batuta.definition.grammar.rules import (
    cleanup_delay,
    distinct_variables,
    error_variable,
    loop_variables,
)
from batuta.definition.grammar.values import (
    ANYTHING,
    CONSUMPTION,
    DECISION,
    DURATION,
    ERROR,
    ERROR_FILTER,
    EVENT,
    EXPRESSION,
    ITERATOR,
    NAME,
    READ,
    RESOURCE,
    RETRY,
    TASK_EXPORT,
    TASK_OUTPUT,
    TEXT,
    TEXTS,
    TIMEOUT,
    VALUE,
    VARIABLE,
    data_flow,
    optional,
    required,
)
from batuta.definition.shapes import (
    Either,
    Entries,
    Field,
    Flag,
    Names,
    Record,
    Shape,
    Table,
    Tasks,
    Template,
    Text,
)

FLOW = Text(names=Names.TASK)

_EVERY = {
    "if": Field(DECISION, stage="task.if"),
    **optional(
        input=data_flow("an input", "from", "task.from"),
        output=TASK_OUTPUT,
        export=TASK_EXPORT,
        timeout=TIMEOUT,
        then=FLOW,
        metadata=TASK_METADATA,
    ),
}
_HINTS = {
    "retry": "retries belong to a `try` task: `catch: { retry: ... }`",
    "when": "the condition of a task is called `if`",
    "participant": "it belongs under `metadata:`",
    "compensate": "it belongs under `metadata:`",
    "sla": "it belongs under `metadata:`",
    "event": "it belongs under `metadata:`",
    "name": "the name of a task is its key in the list",
}


def _task(title: str, **own: Shape) -> Record:
    return Record(title, {**required(**own), **_EVERY}, hints=_HINTS)


_LOOP = Record(
    "the `for` of a loop",
    {
        **required(
            in_=Either(
                "an expression that gives an array, or an array",
                {"string": DECISION, "array": Template(decides=True)},
            )
        ),
        **optional(each=VARIABLE, at=VARIABLE),
    },
    rules=(distinct_variables("each", "item", "at", "index"),),
    hints={
        "while": "it belongs beside `for`, not inside it",
        "do": "it belongs beside `for`, not inside it",
        "item": "the variable of a `for` is called `each`",
    },
)
_CATCH = Record(
    "a catch",
    {
        "as": Field(VARIABLE),
        **optional(
            errors=Record("caught errors", optional(with_=ERROR_FILTER)),
            when=DECISION,
            exceptWhen=DECISION,
            retry=RETRY,
            do=Tasks(),
            then=FLOW,
        ),
    },
    binds=error_variable,
    hints={"with": "it belongs under `errors:`", "error": "the errors to catch are `errors:`"},
)
_CASE = Record("a case", {**optional(when=DECISION), **required(then=FLOW)})
_ARGUMENTS = Either("a list of texts, or an object", {"array": TEXTS, "object": Table(ANYTHING)})
_ENVIRONMENT = Table(ANYTHING)
_LIFETIME = Record(
    "a container's lifetime",
    {
        **required(cleanup=Text(choices=("always", "never", "eventually"))),
        **optional(after=DURATION),
    },
    rules=(cleanup_delay,),
)
PROCESSES = {
    "container": Record(
        "a container",
        {
            **required(image=VALUE),
            **optional(
                name=VALUE,
                command=VALUE,
                ports=Table(ANYTHING),
                volumes=Table(ANYTHING),
                environment=_ENVIRONMENT,
                stdin=VALUE,
                arguments=TEXTS,
                lifetime=_LIFETIME,
                pullPolicy=Text(choices=("ifNotPresent", "always", "never")),
            ),
        },
    ),
    "script": Record(
        "a script",
        {
            **required(language=NAME),
            **optional(
                # Code is literal: `${` is also how JavaScript and shells write their own templates.
                code=TEXT,
                source=RESOURCE,
                stdin=VALUE,
                arguments=_ARGUMENTS,
                environment=_ENVIRONMENT,
            ),
        },
        one_of=(("code", "source"),),
    ),
    "shell": Record(
        "a shell command",
        {
            **required(command=VALUE),
            **optional(stdin=VALUE, arguments=_ARGUMENTS, environment=_ENVIRONMENT),
        },
    ),
    "workflow": Record(
        "a workflow to run",
        {
            **required(namespace=NAME, name=NAME, version=NAME),
            **optional(
                input=Either(
                    "an object or an expression",
                    {"object": Table(ANYTHING), "string": EXPRESSION},
                )
            ),
        },
    ),
}

CALL = _task("a call", call=Text(names=Names.FUNCTION))
"""Without `with`, whose shape depends on what is called."""

TASKS = {
    "call": CALL,
    "do": _task("a do task", do=Tasks()),
    "emit": _task(
        "an emit task",
        emit=Record(
            "what to emit",
            required(
                event=Record("an emitted event", required(with_=EVENT)),
            ),
        ),
    ),
    "for": Record(
        "a for task",
        {**required(for_=_LOOP, do=Tasks()), **optional(while_=DECISION), **_EVERY},
        hints=_HINTS,
        binds=loop_variables,
    ),
    "fork": _task(
        "a fork task",
        fork=Record(
            "a fork", {**required(branches=Tasks(sequence=False)), **optional(compete=Flag())}
        ),
    ),
    "listen": Record(
        "a listen task",
        {
            **required(
                listen=Record(
                    "a listen",
                    {**required(to=CONSUMPTION), **optional(read=READ)},
                    hints={
                        "foreach": "it belongs beside `listen`, not inside it",
                        "one": "it belongs under `to:`",
                        "any": "it belongs under `to:`",
                        "all": "it belongs under `to:`",
                    },
                )
            ),
            **optional(foreach=ITERATOR),
            **_EVERY,
        },
        hints=_HINTS,
    ),
    "raise": _task(
        "a raise task",
        raise_=Record(
            "a raise",
            required(
                error=Either(
                    "an error, or the name of one in `use.errors`",
                    {"string": Text(names=Names.ERROR), "object": ERROR},
                )
            ),
        ),
    ),
    "run": _task(
        "a run task",
        run=Record(
            "what to run",
            {
                **optional(**PROCESSES),
                "await": Field(Flag()),
                "return": Field(Text(choices=("stdout", "stderr", "code", "all", "none"))),
            },
            one_of=(tuple(PROCESSES),),
        ),
    ),
    "set": _task(
        "a set task",
        set=Either(
            "an object, or an expression",
            {"object": Table(ANYTHING, least=1), "string": VALUE},
        ),
    ),
    "switch": _task("a switch task", switch=Entries(_CASE, least=1)),
    "try": _task("a try task", try_=Tasks(), catch=_CATCH),
    "wait": _task("a wait task", wait=DURATION),
}
"""Kind to shape. `for` comes with `do` and is told apart first."""
