"""The `with` of every kind of call, by the name after `call:`."""

from __future__ import annotations

from batuta.definition.grammar.values import (
    ANYTHING,
    AUTHENTICATION,
    DURATION,
    ENDPOINT,
    EXPRESSION,
    ITERATOR,
    NAME,
    RESOURCE,
    TEXTS,
    VALUE,
    WRAPPED_DECISION,
    optional,
    required,
)
from batuta.definition.shapes import (
    Either,
    Flag,
    Record,
    Table,
    Text,
    Whole,
)

_VALUES = Table(VALUE)
_PARAMETERS = Either(
    "an object or an expression", {"object": Table(ANYTHING), "string": EXPRESSION}
)
_OUTPUT = Text(choices=("raw", "content", "response"))

_HTTP = Record(
    "the arguments of an http call",
    {
        **required(method=VALUE, endpoint=ENDPOINT),
        **optional(
            headers=Either(
                "an object of texts, or an expression", {"object": _VALUES, "string": EXPRESSION}
            ),
            body=ANYTHING,
            query=_PARAMETERS,
            output=_OUTPUT,
            redirect=Flag(),
        ),
    },
    hints={
        "url": "the address is called `endpoint`",
        "uri": "the address is called `endpoint`",
        "authentication": "it belongs to the address: `endpoint: { uri, authentication }`",
        "params": "parameters of the address are called `query`",
        "timeout": "it belongs to the task, beside `call`",
    },
)

_OPENAPI = Record(
    "the arguments of an openapi call",
    {
        **required(document=RESOURCE, operationId=NAME),
        **optional(
            parameters=Table(ANYTHING),
            authentication=AUTHENTICATION,
            output=_OUTPUT,
            redirect=Flag(),
        ),
    },
    hints={"body": "the fields of the body are given in `parameters`"},
)

_PROTOCOLS = (
    "amqp",
    "amqp1",
    "anypointmq",
    "googlepubsub",
    "http",
    "ibmmq",
    "jms",
    "kafka",
    "mercure",
    "mqtt",
    "mqtt5",
    "nats",
    "pulsar",
    "redis",
    "sns",
    "solace",
    "sqs",
    "stomp",
    "ws",
)
_SUBSCRIPTION = Record(
    "a subscription",
    {
        **required(
            consume=Record(
                "how much to consume",
                {
                    **optional(
                        amount=Whole(least=1), while_=WRAPPED_DECISION, until=WRAPPED_DECISION
                    ),
                    **optional(for_=DURATION),
                },
                one_of=(("amount", "while", "until"),),
            )
        ),
        **optional(filter=WRAPPED_DECISION, foreach=ITERATOR),
    },
)
_ASYNCAPI = Record(
    "the arguments of an asyncapi call",
    {
        **required(document=RESOURCE),
        **optional(
            channel=NAME,
            operation=NAME,
            server=Record(
                "a server", {**required(name=NAME), **optional(variables=Table(ANYTHING))}
            ),
            protocol=Text(choices=_PROTOCOLS),
            message=Record("a message", optional(payload=_PARAMETERS, headers=_PARAMETERS)),
            subscription=_SUBSCRIPTION,
            authentication=AUTHENTICATION,
        ),
    },
    one_of=(("channel", "operation"), ("message", "subscription")),
)

_GRPC = Record(
    "the arguments of a grpc call",
    {
        **required(
            proto=RESOURCE,
            service=Record(
                "a service",
                {
                    **required(name=NAME, host=Text(form="host")),
                    **optional(port=Whole(least=0, most=65535), authentication=AUTHENTICATION),
                },
            ),
            method=NAME,
        ),
        **optional(arguments=Table(ANYTHING)),
    },
)

_A2A_METHODS = (
    "message/send",
    "message/stream",
    "tasks/get",
    "tasks/list",
    "tasks/cancel",
    "tasks/resubscribe",
    "tasks/pushNotificationConfig/set",
    "tasks/pushNotificationConfig/get",
    "tasks/pushNotificationConfig/list",
    "tasks/pushNotificationConfig/delete",
    "agent/getAuthenticatedExtendedCard",
)
_A2A = Record(
    "the arguments of an a2a call",
    {
        **required(method=Text(choices=_A2A_METHODS)),
        **optional(agentCard=RESOURCE, server=ENDPOINT, parameters=_PARAMETERS),
    },
    any_of=(("agentCard", "server"),),
)

_MCP_METHODS = (
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/read",
    "resources/templates/list",
)
_MCP_TRANSPORT = Record(
    "a transport",
    optional(
        http=Record(
            "an http transport", {**required(endpoint=ENDPOINT), **optional(headers=_VALUES)}
        ),
        stdio=Record(
            "a stdio transport",
            {**required(command=VALUE), **optional(arguments=TEXTS, environment=_VALUES)},
        ),
        options=_VALUES,
    ),
    one_of=(("http", "stdio"),),
)
_MCP = Record(
    "the arguments of an mcp call",
    {
        **required(method=Text(choices=_MCP_METHODS), transport=_MCP_TRANSPORT),
        **optional(
            protocolVersion=NAME,
            parameters=_PARAMETERS,
            timeout=DURATION,
            client=Record(
                "a client", {**required(name=VALUE, version=VALUE), **optional(description=VALUE)}
            ),
        ),
    },
)

CALLS = {
    "http": _HTTP,
    "openapi": _OPENAPI,
    "asyncapi": _ASYNCAPI,
    "grpc": _GRPC,
    "a2a": _A2A,
    "mcp": _MCP,
}
"""Built-in call to the shape of its `with`; any other name is a function's."""

FUNCTION_ARGUMENTS = Table(ANYTHING)
"""The `with` of a function call: the function's input."""
