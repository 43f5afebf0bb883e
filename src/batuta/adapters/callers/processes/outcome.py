"""What the end of a process means for the task.

`return` picks the output (DSL 1.0.3, "Run" and "Process Result"). Texts are given as they were
written, the last line's end included, and are never read as JSON: `output.as` does that where it is
wanted (`${ fromjson }`). A code other than zero is a fault, unless the workflow asked to see codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batuta.ports.caller import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from batuta.adapters.callers.processes.execution import Finished

_TAIL_BYTES = 2048


def output_of(finished: Finished, returns: str, what: str, redact: Callable[[Any], Any]) -> Any:
    """Return the task's output, without secrets.

    Args:
        finished: how the process ended.
        returns: stdout, stderr, code, all or none.
        what: what ran, for the fault's detail.
        redact: removes secrets.

    Raises:
        Fault: `runtime` 500 for a code other than zero, unless `returns` is code or all.
    """
    if returns == "code":
        return finished.code
    if returns == "all":
        texts = {"stdout": finished.stdout, "stderr": finished.stderr}
        return {"code": finished.code, **redact(texts)}
    if finished.code != 0:
        raise failure(finished, what, redact)
    if returns == "none":
        return None
    return redact(finished.stdout if returns == "stdout" else finished.stderr)


def failure(finished: Finished, what: str, redact: Callable[[Any], Any]) -> Fault:
    """Return the fault for a process that failed, with the end of what it had to say."""
    # Redacted before it is cut: half a secret is no longer recognised as one.
    said = redact(finished.stderr).strip().encode()
    tail = said[-_TAIL_BYTES:].decode("utf-8", "ignore")
    cut = "..." if len(said) > _TAIL_BYTES else ""
    detail = f"{what} ended with code {finished.code}" + (f": {cut}{tail}" if tail else "")
    return Fault("runtime", 500, "Process failed", detail)
