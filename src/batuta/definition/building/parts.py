"""What tasks are made of, as model values.

Every function takes the plain JSON of one construct, or None where it is absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batuta.definition import model
from batuta.definition.duration import to_milliseconds
from batuta.definition.expression_language import unwrap

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


class Shared(NamedTuple):
    """What `use` declares, by name, as plain JSON; and what `document.metadata` says for all."""

    authentications: Mapping[str, Any]
    errors: Mapping[str, Any]
    retries: Mapping[str, Any]
    timeouts: Mapping[str, Any]
    functions: Mapping[str, Any]
    participant: str | None


def duration(value: Any) -> model.Duration:
    """Return a duration, fixed or computed."""
    if isinstance(value, str) and unwrap(value) is not None:
        return model.Duration(expression=value)
    return model.Duration(milliseconds=to_milliseconds(value))


def optional_duration(value: Any) -> model.Duration | None:
    """Return a duration, or None for none."""
    return None if value is None else duration(value)


def timeout(value: Any, shared: Shared) -> model.Duration | None:
    """Return a timeout, inline or by name."""
    if value is None:
        return None
    policy = shared.timeouts[value] if isinstance(value, str) else value
    return duration(policy["after"])


def authentication(value: Json | None, shared: Shared) -> model.Authentication | None:
    """Return a policy, inline or by name; its properties inline or in a secret."""
    if value is None:
        return None
    policy = shared.authentications[value["use"]] if "use" in value else value
    ((scheme, properties),) = policy.items()
    if "use" in properties:
        return model.Authentication(scheme=scheme, secret=properties["use"])
    return model.Authentication(scheme=scheme, properties=properties)


def endpoint(value: Any, shared: Shared) -> model.Endpoint:
    """Return an address with its authentication."""
    if isinstance(value, str):
        return model.Endpoint(uri=value)
    return model.Endpoint(
        uri=value["uri"], authentication=authentication(value.get("authentication"), shared)
    )


def endpoint_policy(value: Any) -> Json | None:
    """Return the authentication written at an address, unresolved."""
    return value.get("authentication") if isinstance(value, dict) else None


def without_policy(value: Any) -> Any:
    """Return an address as written, without its authentication."""
    if isinstance(value, dict) and "authentication" in value:
        return {key: part for key, part in value.items() if key != "authentication"}
    return value


def schema(value: Json | None, shared: Shared) -> model.Schema | None:
    """Return a schema, inline or elsewhere."""
    if value is None:
        return None
    resource = value.get("resource")
    return model.Schema(
        format=value.get("format", "json"),
        document=value.get("document"),
        resource=None
        if resource is None
        else model.Resource(
            endpoint=endpoint(resource["endpoint"], shared), name=resource.get("name")
        ),
    )


def data_flow(value: Json | None, transform: str, shared: Shared) -> model.DataFlow | None:
    """Return an `input`, `output` or `export`; `transform` is the name of its expression."""
    if value is None:
        return None
    return model.DataFlow(
        schema=schema(value.get("schema"), shared), transform=value.get(transform)
    )


def error(value: Any, shared: Shared) -> model.ErrorDefinition:
    """Return an error to raise, inline or by name."""
    return model.ErrorDefinition(**(shared.errors[value] if isinstance(value, str) else value))


def retry(value: Any, shared: Shared) -> model.RetryPolicy | None:
    """Return a retry policy, inline or by name."""
    if value is None:
        return None
    policy: Json = shared.retries[value] if isinstance(value, str) else value
    limit: Json = policy.get("limit", {})
    attempt: Json = limit.get("attempt", {})
    jitter: Json = policy.get("jitter", {})
    return model.RetryPolicy(
        when=policy.get("when"),
        except_when=policy.get("exceptWhen"),
        delay=optional_duration(policy.get("delay")),
        backoff=backoff(policy.get("backoff")),
        jitter_from=optional_duration(jitter.get("from")),
        jitter_to=optional_duration(jitter.get("to")),
        count=attempt.get("count"),
        attempt_duration=optional_duration(attempt.get("duration")),
        total_duration=optional_duration(limit.get("duration")),
    )


def backoff(value: Json | None) -> model.Backoff:
    """Return how delays grow."""
    if value is None:
        return model.Backoff()
    ((kind, extras),) = value.items()
    longest = extras.get("max")
    return model.Backoff(
        kind=kind,
        factor=float(extras.get("factor", 2)),
        maximum_ms=None if longest is None else to_milliseconds(longest),
    )


def consumption(value: Json) -> model.Consumption:
    """Return what to listen to."""
    mode = next(mode for mode in ("one", "any", "all") if mode in value)
    filters = [value[mode]] if mode == "one" else value[mode]
    until = value.get("until")
    return model.Consumption(
        mode=mode,
        filters=tuple(event_filter(one) for one in filters),
        until_expression=until if isinstance(until, str) else None,
        until_events=consumption(until) if isinstance(until, dict) else None,
        forever=until is False,
    )


def event_filter(value: Json) -> model.EventFilter:
    """Return which events are meant."""
    return model.EventFilter(
        attributes=value["with"],
        correlate={
            key: model.Correlation(source=one["from"], expect=one.get("expect"))
            for key, one in value.get("correlate", {}).items()
        },
    )


def sla(value: Json | None) -> model.Sla | None:
    """Return a soft deadline."""
    if value is None:
        return None
    warn = value.get("warn")
    return model.Sla(
        within_ms=to_milliseconds(value["within"]),
        warn_ms=None if warn is None else to_milliseconds(warn),
    )
