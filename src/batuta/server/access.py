"""Who may do what: principals, their roles, and the namespaces that these hold for.

Owns the order of the roles, each of which may do all that those before it may. How somebody proves
who they are is `credentials`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple

from batuta.server.problems import Refused

REVEAL, PUBLISH_ANY = GRANTS = ("reveal", "publish:*")
"""What may be allowed besides a role: to see what is secret, to publish events of any type."""
VIEWER, OPERATOR, DEPLOYER, ADMIN = ROLES = ("viewer", "operator", "deployer", "admin")
EVERYWHERE = ("*",)


class Principal(NamedTuple):
    """Somebody who is known. `namespaces` are patterns (`retail`, `team-*`).

    `by` is how they proved it: token, key, session or oidc; `csrf` what a change has to repeat when
    they came by a cookie; `key` the id of the API key that it all goes back to, if it does; `until`
    when a session ends, in epoch milliseconds; `grants` what they may do besides their role.
    """

    name: str
    role: str
    namespaces: tuple[str, ...] = EVERYWHERE
    by: str = "token"
    csrf: str | None = None
    key: str = ""
    until: int | None = None
    grants: tuple[str, ...] = ()

    def has(self, role: str) -> bool:
        """Say whether a role is among those that this one may do everything of."""
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def reveals(self) -> bool:
        """Say whether they may see what is marked secret, in their namespaces."""
        return self.role == ADMIN or REVEAL in self.grants

    def require_reveal(self, namespace: str | None) -> None:
        """Refuse who may not see what is marked secret in a namespace; None is all of them.

        Raises:
            Refused: they may not.
        """
        self.require_namespace(namespace)
        if not self.reveals:
            raise Refused(
                403,
                "reveal",
                "Not allowed",
                f"{self.name} may not see what is marked secret",
                hint="this takes an admin, or the grant `reveal`",
            )

    def sees(self, namespace: str) -> bool:
        """Say whether a namespace is one of theirs."""
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    @property
    def rights(self) -> Principal:
        """What they may do, whoever they are: equal for all who may do the same."""
        return self._replace(name="", by="", csrf=None, key="", until=None)

    @property
    def sees_all(self) -> bool:
        """Say whether every namespace is theirs."""
        return "*" in self.namespaces

    def require_everywhere(self) -> None:
        """Refuse who has not all namespaces what cannot be told apart by them.

        Raises:
            Refused: they have not.
        """
        if not self.sees_all:
            raise Refused(
                403,
                "namespace",
                "Not allowed",
                f"{self.name} has only some namespaces, and this is about all of them",
                hint=f"theirs are: {', '.join(self.namespaces)}",
            )

    def require(self, role: str, namespace: str | None = None) -> None:
        """Refuse what they may not do.

        Raises:
            Refused: they may not.
        """
        if not self.has(role):
            raise Refused(
                403,
                "role",
                "Not allowed",
                f"{self.name} is {self.role}; this takes {role}",
                hint="ask somebody who administers this server for another role",
            )
        self.require_namespace(namespace)

    def require_namespace(self, namespace: str | None) -> None:
        """Refuse who has no part in a namespace; None is anybody's.

        Raises:
            Refused: they have none.
        """
        if namespace is not None and not self.sees(namespace):
            raise Refused(
                403,
                "namespace",
                "Not allowed",
                f"{self.name} has no part in namespace {namespace!r}",
                hint=f"theirs are: {', '.join(self.namespaces)}",
            )
