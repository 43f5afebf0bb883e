"""Alerts by e-mail: one message by SMTP, from a thread of its own.

The connection is encrypted (STARTTLS, or TLS from the first byte) and the server's certificate
checked, unless the settings say that the way there is safe by itself.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from batuta.errors import RequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batuta.ports.alerts import Telling

TIMEOUT_S = 20.0
_PERMANENT = 500
"""SMTP replies from here on say that it is no use to try again (RFC 5321, section 4.2.1)."""


class EmailChannel:
    """Tells people by one mail server. The contract is `ports.alerts.Channel`."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        to: Sequence[str],
        security: str,
        login: Callable[[], tuple[str, str]] | None,
        now: Callable[[], int],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare.

        Args:
            host: the mail server.
            port: its port.
            sender: whom messages are from.
            to: whom they go to.
            security: starttls, tls or none.
            login: gives user and password, None to send without.
            now: the time in epoch milliseconds.
            context: which certificates count, by default those of the machine.
        """
        self._host, self._port = host, port
        self._sender, self._to = sender, tuple(to)
        self._security = security
        self._login = login
        self._now = now
        self._context = context

    async def tell(self, telling: Telling) -> None:
        """Send a message. See the port."""
        message = EmailMessage()
        message["Subject"] = " ".join(telling.title.split())
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Date"] = format_datetime(datetime.fromtimestamp(self._now() / 1_000, UTC))
        name = blake2b(telling.id.encode(), digest_size=16).hexdigest()
        message["Message-ID"] = f"<{name}@{self._sender.rpartition('@')[2].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(telling.text)
        login = None if self._login is None else self._login()
        await asyncio.to_thread(self._send, message, login)

    def _send(self, message: EmailMessage, login: tuple[str, str] | None) -> None:
        try:
            with self._connected() as server:
                if login is not None:
                    server.login(*login)
                server.send_message(message, self._sender, self._to)
        except smtplib.SMTPRecipientsRefused as error:
            refused = ", ".join(error.recipients)
            raise RequestError(f"{self._host} refuses {refused}") from error
        except smtplib.SMTPResponseException as error:
            said = f"{self._host} answers {error.smtp_code} {error.smtp_error!r}"
            if error.smtp_code >= _PERMANENT:
                raise RequestError(said, hint="see [alerts.email] in batuta.toml") from error
            raise UnavailableError(said, hint="it is sent again later") from error
        except smtplib.SMTPNotSupportedError as error:
            hint = "see `security` under [alerts.email] in batuta.toml"
            raise RequestError(f"{self._host}: {error}", hint=hint) from error
        except (smtplib.SMTPException, OSError) as error:
            raise UnavailableError(f"{self._host} cannot be reached: {error!r}") from error

    def _connected(self) -> smtplib.SMTP:
        context = self._context or ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server
