"""What tasks and documents are made of: durations, addresses, policies, schemas, event filters."""

from __future__ import annotations

from batuta.definition.grammar.rules import (
    attribute_names,
    distinct_variables,
    iterator_variables,
    jitter_in_order,
    not_empty,
    secret_or,
    some_filter,
    until_needs_any,
)
from batuta.definition.shapes import (
    DataSchema,
    Either,
    Field,
    Flag,
    Free,
    Items,
    Length,
    Names,
    Reads,
    Real,
    Record,
    Shape,
    Table,
    Tasks,
    Template,
    Text,
    Whole,
)

NAME = Text(form="some")
TEXT = Text()
VALUE = Text(reads=Reads.VALUE)
PROGRAM = Text(reads=Reads.PROGRAM)
DECISION = Text(reads=Reads.PROGRAM, decides=True)
WRAPPED_DECISION = Text(reads=Reads.WRAPPED, decides=True)
VARIABLE = Text(form="variable")
URI = Text(reads=Reads.VALUE, form="uri")
TEXTS = Items(VALUE)
ANYTHING = Template()
EXPRESSION = Text(reads=Reads.WRAPPED)


def optional(**fields: Shape) -> dict[str, Field]:
    """Return optional properties; a trailing `_` keeps Python's own words out of the way."""
    return {name.rstrip("_"): Field(shape) for name, shape in fields.items()}


def required(**fields: Shape) -> dict[str, Field]:
    """Return required properties, named as in `optional`."""
    return {name.rstrip("_"): Field(shape, required=True) for name, shape in fields.items()}


# Durations, timeouts.

DURATION = Length()
TIMEOUT_POLICY = Record("a timeout", required(after=DURATION))
TIMEOUT = Either(
    "a timeout { after: DURATION }, or the name of one in `use.timeouts`",
    {"string": Text(names=Names.TIMEOUT), "object": TIMEOUT_POLICY},
)

# Authentication.

_CREDENTIALS = Record(
    "a policy of user name and password",
    optional(username=VALUE, password=VALUE, use=Text(names=Names.SECRET)),
    rules=(secret_or("username", "password"),),
)
_BEARER = Record(
    "a bearer policy",
    optional(token=VALUE, use=Text(names=Names.SECRET)),
    rules=(secret_or("token"),),
)
_TOKEN = Record("a token", required(token=VALUE, type=VALUE))
_GRANTS = (
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
_CLIENT_AUTHENTICATIONS = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)
_OPENID = optional(
    authority=URI,
    grant=Text(reads=Reads.VALUE, choices=_GRANTS),
    client=Record(
        "an OAuth2 client",
        optional(
            id=VALUE,
            secret=VALUE,
            assertion=VALUE,
            authentication=Text(reads=Reads.VALUE, choices=_CLIENT_AUTHENTICATIONS),
        ),
    ),
    request=Record(
        "a token request",
        optional(encoding=Text(choices=("application/x-www-form-urlencoded", "application/json"))),
    ),
    issuers=TEXTS,
    scopes=TEXTS,
    audiences=TEXTS,
    username=VALUE,
    password=VALUE,
    subject=_TOKEN,
    actor=_TOKEN,
    use=Text(names=Names.SECRET),
)
_OAUTH2_ENDPOINTS = Record(
    "the endpoints of an OAuth2 server", optional(token=URI, revocation=URI, introspection=URI)
)
_SCHEMES = optional(
    basic=_CREDENTIALS,
    bearer=_BEARER,
    digest=_CREDENTIALS,
    oauth2=Record(
        "an OAuth2 policy",
        {**_OPENID, **optional(endpoints=_OAUTH2_ENDPOINTS)},
        rules=(not_empty, secret_or()),
    ),
    oidc=Record("an OpenID Connect policy", _OPENID, rules=(not_empty, secret_or())),
)
AUTHENTICATION_POLICY = Record("an authentication policy", _SCHEMES, one_of=(tuple(_SCHEMES),))
AUTHENTICATION = Record(
    "an authentication",
    {**_SCHEMES, **optional(use=Text(names=Names.AUTHENTICATION))},
    one_of=((*_SCHEMES, "use"),),
)

# Addresses and resources.

ENDPOINT = Either(
    "an address, or { uri, authentication }",
    {
        "string": URI,
        "object": Record(
            "an endpoint", {**required(uri=URI), **optional(authentication=AUTHENTICATION)}
        ),
    },
)
RESOURCE = Record(
    "an external resource",
    {**required(endpoint=ENDPOINT), **optional(name=NAME)},
    hints={"uri": "write `endpoint: ADDRESS`"},
)

# Data flow.

SCHEMA = DataSchema(
    Record(
        "a schema",
        optional(format=Text(form="schema-format"), document=Free(), resource=RESOURCE),
        one_of=(("document", "resource"),),
        hints={
            "type": "put a JSON Schema under `document:`",
            "properties": "put a JSON Schema under `document:`",
        },
    )
)
_TRANSFORM = Either("an expression, or an object", {"string": PROGRAM, "object": ANYTHING})


def data_flow(title: str, transform: str, stage: str) -> Record:
    """Return the shape of `input`, `output` or `export`, whose expressions see `stage`."""
    return Record(
        title,
        {**optional(schema=SCHEMA), transform: Field(_TRANSFORM, stage=stage)},
        hints={"to": f"the transformation is called `{transform}`"},
    )


TASK_OUTPUT = data_flow("an output", "as", "task.output")
TASK_EXPORT = data_flow("an export", "as", "task.export")

# Errors and retries.

ERROR = Record(
    "an error",
    {
        **required(
            type=URI,
            status=Either("a status", {"integer": Whole(), "string": EXPRESSION}),
        ),
        **optional(title=VALUE, detail=VALUE, instance=Text(reads=Reads.VALUE, form="pointer")),
    },
    hints={"details": "the text of an error is its `detail`"},
)
ERROR_FILTER = Record(
    "an error filter",
    optional(
        type=URI,
        status=Either("a status", {"integer": Whole(), "string": EXPRESSION}),
        instance=VALUE,
        title=VALUE,
        detail=VALUE,
        details=VALUE,
    ),
    rules=(not_empty,),
)
_GROWTH = optional(factor=Real(least=1), max=Length(fixed=True))
RETRY_POLICY = Record(
    "a retry policy",
    optional(
        when=DECISION,
        exceptWhen=DECISION,
        delay=DURATION,
        backoff=Record(
            "a backoff",
            optional(
                constant=Record("a constant backoff", {}),
                linear=Record("a linear backoff", optional(max=Length(fixed=True))),
                exponential=Record("an exponential backoff", _GROWTH),
            ),
            one_of=(("constant", "linear", "exponential"),),
        ),
        limit=Record(
            "a retry limit",
            optional(
                attempt=Record(
                    "a limit on attempts", optional(count=Whole(least=0), duration=DURATION)
                ),
                duration=DURATION,
            ),
            hints={"count": "write `attempt: { count: N }`"},
        ),
        jitter=Record("a jitter", required(from_=DURATION, to=DURATION), rules=(jitter_in_order,)),
    ),
    hints={"count": "write `limit: { attempt: { count: N } }`"},
)
RETRY = Either(
    "a retry policy, or the name of one in `use.retries`",
    {"string": Text(names=Names.RETRY), "object": RETRY_POLICY},
)

# Events.

EVENT = Record(
    "an event",
    {
        **required(type=VALUE),
        **optional(
            id=VALUE,
            source=URI,
            time=VALUE,
            subject=VALUE,
            datacontenttype=VALUE,
            dataschema=URI,
            specversion=VALUE,
            data=ANYTHING,
        ),
    },
    others=ANYTHING,
    rules=(attribute_names,),
)
_CORRELATION = Record(
    "a correlation", {**required(from_=DECISION), **optional(expect=Template(decides=True))}
)
EVENT_FILTER = Record(
    "an event filter",
    {
        **required(
            with_=Record(
                "event attributes",
                {},
                others=Template(decides=True),
                rules=(not_empty, attribute_names),
            )
        ),
        **optional(correlate=Table(_CORRELATION)),
    },
    hints={"type": "put the attributes under `with:`", "source": "put it under `with:`"},
)
_FILTERS = Items(EVENT_FILTER)
_STRATEGIES = ("one", "any", "all")
_CONSUMED = optional(one=EVENT_FILTER, any=_FILTERS, all=_FILTERS)
_UNTIL = Either(
    "an expression, `false`, or the events that end it",
    {
        "string": DECISION,
        "boolean": Flag(only=False),
        "object": Record(
            "the events that end a listen",
            _CONSUMED,
            one_of=(_STRATEGIES,),
            rules=(some_filter,),
            hints={"until": "the events that end a listen cannot have an end of their own"},
        ),
    },
)


CONSUMPTION = Record(
    "what to listen to",
    {**_CONSUMED, **optional(until=_UNTIL)},
    one_of=(_STRATEGIES,),
    rules=(some_filter, until_needs_any),
    hints={"with": "say which events to wait for: `one: { with: ... }`"},
)
READ = Text(choices=("data", "envelope", "raw"))
ITERATOR = Record(
    "a foreach",
    optional(item=VARIABLE, at=VARIABLE, do=Tasks(), output=TASK_OUTPUT, export=TASK_EXPORT),
    rules=(distinct_variables("item", "item", "at", "index"),),
    binds=iterator_variables,
    hints={"each": "the variable of a `foreach` is called `item`"},
)
