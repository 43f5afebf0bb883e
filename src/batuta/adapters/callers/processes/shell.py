"""`run: shell`: one command line, read by /bin/sh.

The command's `arguments` are its $1, $2, ...: they reach it beside the command and are never part
of its text, which is the safe way to hand over data. (Data written into the command by an
expression is read by the shell like the rest of it.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.adapters.callers.processes.execution import Processes, workspace
from batuta.adapters.callers.processes.outcome import output_of
from batuta.adapters.callers.processes.policy import Policy
from batuta.adapters.callers.processes.properties import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.caller import Call, SecretSource


class ShellCaller:
    """Performs `run: shell`.

    Args:
        secrets: the secrets of all calls, or a function that finds those of one call's run.
        policy: whether it may.
        processes: runs them; shared with the other callers to share its limits.
    """

    def __init__(
        self,
        secrets: SecretSource | Callable[[Call], SecretSource],
        *,
        policy: Policy | None = None,
        processes: Processes | None = None,
    ) -> None:
        self._secrets = secrets
        self._policy = policy or Policy()
        self._processes = processes or Processes()

    async def __call__(self, call: Call) -> Any:
        """Run the command in a fresh folder and return what `return` asks for.

        Raises:
            Fault: `runtime` 500 when it fails, `timeout` 408 at the deadline, `validation` 400 for
                a property that cannot be used, `authorization` 403 when the policy forbids it.
        """
        self._policy.check("shell")
        secrets = self._secrets(call) if callable(self._secrets) else self._secrets
        asked = Asked.of(secrets.reveal(call.arguments))
        with workspace() as place:
            finished = await self._processes.run(
                ["/bin/sh", "-c", asked.required("command"), "sh", *asked.arguments],
                environment=place.environment(asked.environment),
                folder=place.work,
                stdin=asked.stdin,
                deadline_ms=call.deadline_ms,
            )
        return output_of(finished, asked.returns, "the command", secrets.redact)

    def close(self) -> None:
        """Kill what still runs."""
        self._processes.close()
