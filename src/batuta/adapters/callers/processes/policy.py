"""Which kinds of process a server lets workflows run.

All three let whoever may deploy a workflow act as the user that Batuta runs as, so a server that
takes workflows from others forbids what it does not need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batuta.ports.caller import Fault


@dataclass(frozen=True, slots=True)
class Policy:
    """True for what workflows may run."""

    shell: bool = True
    script: bool = True
    container: bool = True

    def check(self, kind: Literal["shell", "script", "container"]) -> None:
        """Let the call pass.

        Raises:
            Fault: `authorization` 403 when this server forbids the kind.
        """
        allowed = {"shell": self.shell, "script": self.script, "container": self.container}
        if not allowed[kind]:
            detail = f"this server does not let workflows run a {kind} (`run.{kind}`)"
            raise Fault("authorization", 403, "Process not allowed", detail)
