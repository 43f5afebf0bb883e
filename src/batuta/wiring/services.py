"""Services that are not ours and take requests over HTTP, as the settings name them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from batuta.adapters.callers.http import HttpService
from batuta.errors import RequestError
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batuta.adapters.callers.http import HttpClient
    from batuta.adapters.secrets import SecretStore
    from batuta.wiring.settings import Placed


def services_of(
    participants: Mapping[str, Placed],
    client: HttpClient,
    secrets: SecretStore,
    now: Callable[[], float],
) -> dict[str, HttpService]:
    """Return the services that have an `endpoint`, by participant.

    Raises:
        RequestError: a setting is none that a service could have.
    """
    found: dict[str, HttpService] = {}
    for name, placed in participants.items():
        if placed.endpoint is None:
            if placed.bearer is not None:
                raise RequestError(
                    f"participants.{name} has a bearer and no endpoint",
                    hint="say where it is: endpoint",
                )
            continue
        if placed.remote:
            raise RequestError(
                f"participants.{name} is remote and has an endpoint",
                hint="remote is a process of ours, on the bus; endpoint is for services of others",
            )
        token = None if placed.bearer is None else partial(_token, secrets, placed.bearer)
        try:
            found[name] = HttpService(client, placed.endpoint, token=token, now=now)
        except Fault as fault:
            raise RequestError(
                f"participants.{name}.endpoint: {fault.detail}", hint="write http://HOST:PORT/PATH"
            ) from fault
    return found


def _token(secrets: SecretStore, name: str) -> str:
    """Return a bearer token: a secret that is text, or an object with `token`."""
    value = secrets.find(name)
    token = value.get("token") if isinstance(value, dict) else value
    if not isinstance(token, str):
        raise Fault(
            "authorization",
            403,
            "Secret not available",
            f"there is no token in secret `{name}`: {'; '.join(secrets.ways(name))}",
        )
    return token
