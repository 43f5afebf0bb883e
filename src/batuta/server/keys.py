"""API keys: made once, shown once, kept as a digest.

A key is `bk_ID_SECRET`. The id finds it, the secret is verified with Argon2; what was verified is
remembered by a plain digest, so that only the first request of a key pays for it. Whether the key
has expired or is revoked is asked of the store each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from typing import TYPE_CHECKING

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from batuta.errors import RequestError
from batuta.ports.records import ApiKey
from batuta.server.access import EVERYWHERE, GRANTS, ROLES, Principal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batuta.ports.clock import Clock
    from batuta.ports.records import Records

PREFIX = "bk_"
KEY = "key"
_DAY_MS = 86_400_000
_ID_BYTES, _SECRET_BYTES = 6, 32
_MOST_VERIFIED = 1_000
_hasher = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


def new_key(
    name: str,
    role: str,
    namespaces: Sequence[str],
    now: int,
    *,
    days: float | None = None,
    grants: Sequence[str] = (),
) -> tuple[ApiKey, str]:
    """Return what is kept of a new key, and the key itself, which nobody can show again.

    Args:
        name: whose it is; what it does is noted in the audit under this name.
        role: one of `access.ROLES`.
        namespaces: patterns of those that it holds for; none means all.
        now: epoch milliseconds.
        days: for how long it lets somebody in; None for ever.
        grants: some of `access.GRANTS`.

    Raises:
        RequestError: the name is empty, or there is no such role or grant.
    """
    if not name.strip():
        raise RequestError("a key needs a name", hint="name who is to have it")
    if role not in ROLES:
        raise RequestError(f"there is no role {role!r}", hint=f"the roles are: {', '.join(ROLES)}")
    unknown = [one for one in grants if one not in GRANTS]
    if unknown:
        known = ", ".join(GRANTS)
        raise RequestError(f"there is no grant {unknown[0]!r}", hint=f"the grants are: {known}")
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    kept = ApiKey(
        id=key_id,
        name=name,
        role=role,
        namespaces=tuple(namespaces) or EVERYWHERE,
        digest=_hasher.hash(secret),
        created_at=now,
        expires_at=None if days is None else now + round(days * _DAY_MS),
        grants=tuple(dict.fromkeys(grants)),
    )
    return kept, f"{PREFIX}{key_id}_{secret}"


class Keys:
    """Knows people by their keys."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._verified: OrderedDict[bytes, str] = OrderedDict()

    def valid(self, key_id: str) -> ApiKey | None:
        """Return a key that lets somebody in now."""
        key = self._records.key(key_id)
        if key is None or key.revoked_at is not None:
            return None
        expires = key.expires_at
        return None if expires is not None and expires <= self._clock.now() else key

    def knows(self, token: str) -> bool:
        """Say whether a key was verified before."""
        return hashlib.sha256(token.encode()).digest() in self._verified

    async def owner(self, token: str) -> Principal | None:
        """Return who comes with this key, None when it lets nobody in."""
        key_id, _, secret = token.removeprefix(PREFIX).partition("_")
        key = self.valid(key_id) if token.startswith(PREFIX) and secret else None
        if key is None:
            return None
        digest = hashlib.sha256(token.encode()).digest()
        if self._verified.get(digest) != key.digest:
            if not await asyncio.to_thread(_verifies, key.digest, secret):
                return None
            self._verified[digest] = key.digest
            if len(self._verified) > _MOST_VERIFIED:
                self._verified.popitem(last=False)
        return Principal(key.name, key.role, key.namespaces, KEY, key=key.id, grants=key.grants)


def _verifies(digest: str, secret: str) -> bool:
    try:
        return _hasher.verify(digest, secret)
    except (VerificationError, InvalidHashError):
        return False
