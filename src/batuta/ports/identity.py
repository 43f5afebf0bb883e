"""Proving who somebody is: an identity provider, where people log in.

What somebody may do is not decided here (`server.access`).
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Login(NamedTuple):
    """A login that has begun: where to send the browser, and what has to come back with it."""

    address: str
    state: str
    nonce: str
    verifier: str


class IdentityProvider(Protocol):
    """Lets people log in elsewhere (OpenID Connect 1.0, authorization code with PKCE).

    Promises: claims are returned only of a token that the provider has signed for us, now, and for
        this very login.
    Failure: `UnavailableError` means that the provider cannot be asked now; `RequestError` that the
        login is refused.
    Cancellation: both may be cancelled; the login is then begun anew.
    Order: none.
    Repetition: a code is good for one exchange; the provider refuses the second.
    """

    async def begin(self, back: str) -> Login:
        """Begin a login that ends at the address `back`."""
        ...

    async def finish(self, login: Login, code: str, back: str) -> dict[str, Any]:
        """Exchange a code for the claims of who has logged in."""
        ...
