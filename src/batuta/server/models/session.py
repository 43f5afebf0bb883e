"""Sessions, and who is asking."""

from __future__ import annotations

from pydantic import Field

from batuta.server.models.base import Role, Shape


class SessionBody(Shape):
    """The token to make a session of."""

    token: str = Field(max_length=1_024)


class SessionModel(Shape):
    """Who is asking. `csrf` goes into `X-CSRF-Token` with every change.

    `reveal` says whether they may see what is marked secret.
    """

    user: str
    role: Role
    namespaces: list[str]
    reveal: bool
    csrf: str | None
    production: bool
