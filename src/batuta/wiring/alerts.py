"""The ways in which people are told, as the settings name them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from batuta.adapters.alerts import EmailChannel, WebhookChannel
from batuta.errors import NotFoundError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.callers.http import Transport
    from batuta.adapters.secrets import SecretStore
    from batuta.ports.alerts import Channel
    from batuta.wiring.settings import Alerts

EMAIL, WEBHOOK = "email", "webhook:"


def channels_of(
    alerts: Alerts,
    secrets: SecretStore,
    now: Callable[[], int],
    transport: Transport | None = None,
) -> dict[str, Channel]:
    """Return the channels by name: `email`, and `webhook:` with the name of each webhook.

    Secrets are looked up when they are used: one that is missing is told of then, and tried again.

    Raises:
        RequestError: a setting is none that a channel could have.
    """
    found: dict[str, Channel] = {}
    for name, webhook in alerts.webhooks.items():
        secret = None if webhook.secret is None else partial(_text, secrets, webhook.secret)
        try:
            found[f"{WEBHOOK}{name}"] = WebhookChannel(
                webhook.url, secret=secret, now=now, transport=transport
            )
        except RequestError as error:
            raise RequestError(
                f"alerts.webhooks.{name}.url: {error.message}", hint=error.hint
            ) from None
    email = alerts.email
    if email is not None:
        if (email.user is None) != (email.password is None):
            raise RequestError(
                "alerts.email has a user or a password, and not both",
                hint="`password` names the secret that holds it",
            )
        login = None
        if email.user is not None and email.password is not None:
            login = partial(_login, secrets, email.user, email.password)
        found[EMAIL] = EmailChannel(
            email.host,
            email.port,
            sender=email.sender,
            to=email.to,
            security=email.security,
            login=login,
            now=now,
        )
    return found


def _login(secrets: SecretStore, user: str, password: str) -> tuple[str, str]:
    return user, _text(secrets, password)


def _text(secrets: SecretStore, name: str) -> str:
    value = secrets.find(name)
    if not isinstance(value, str):
        raise NotFoundError(
            f"secret {name} is not here, or is no text", hint="; ".join(secrets.ways(name))
        )
    return value
