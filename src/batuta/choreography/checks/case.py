"""One workflow under examination: the model, its text, its flow, and where things stand.

Owns the way from a task's reference to a place in the text. A function from elsewhere has another
text, so what is wrong in one is shown at the call that leads there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batuta.choreography.codes import CODES
from batuta.choreography.owners import owned_tasks
from batuta.choreography.types import Types
from batuta.choreography.weaving import flow_of
from batuta.choreography.within import Functions, tasks_of
from batuta.definition.problems import Findings, Path, Position
from batuta.definition.reading import read
from batuta.definition.survey import survey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batuta.definition import model
    from batuta.definition.nodes import Node


class Place(NamedTuple):
    """A value in the text: where its key (or it) begins, its pointer, and the value itself."""

    position: Position
    path: Path
    node: Node


class Case:
    """What the checks look at.

    Args:
        workflow: the checked workflow.
        functions: functions from catalogues and addresses, by the text of the calls.
        text: the document; None takes its JSON, whose positions mean nothing to anybody.
        file: how problems name it.
    """

    def __init__(
        self,
        workflow: model.Workflow,
        functions: Mapping[str, model.Task],
        text: str | bytes | None,
        file: str,
    ) -> None:
        self.workflow = workflow
        self.imported = functions
        self.functions = Functions(workflow, functions)
        self.findings = Findings(file, CODES)
        self.types = Types(workflow, functions)
        self.flow = flow_of(workflow, functions)
        self.owned = list(owned_tasks(workflow, functions))
        self.tasks = tasks_of(workflow, functions)
        source = msgspec.json.encode(workflow.source) if text is None else text
        root, self.text = read(source, Findings(file))
        assert root is not None, file  # noqa: S101 -- it is the text of a checked workflow
        self.root: Node = root
        self.found = survey(root, Findings(file))
        self._callers = self._calls()

    def _calls(self) -> dict[str, str]:
        """Return a call of each function from elsewhere, by the function's reference."""
        calls: dict[str, str] = {}
        for task in self.tasks.values():
            elsewhere = task.reference.startswith("/functions/")
            function = self.functions.meant(task, elsewhere=elsewhere)
            if function is not None and self.functions.is_elsewhere(function):
                calls.setdefault(function.reference, task.reference)
        return calls

    def reference_here(self, reference: str) -> str:
        """Return a reference in this text: the task's own, or that of the call that leads to it."""
        seen: set[str] = set()
        while reference.startswith("/functions/") and reference not in seen:
            seen.add(reference)
            root = "/".join(reference.split("/")[:3])
            reference = self._callers.get(root, "")
        return reference

    def place(self, reference: str, *keys: str) -> Place:
        """Return where a task, or one of its properties, stands; as deep as there is something."""
        here = self.reference_here(reference)
        inner = keys if here == reference else ()
        node, path, position = self.root, None, self.root.position
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in here.split("/")[1:]]
        for token in (*tokens, *inner):
            if node.kind == "array":
                node, key = node.items[int(token)], int(token)
                position = node.position
            elif token in node.fields:
                position, node, key = node.keys[token], node.fields[token], token
            else:
                break
            path = (path, key)
        return Place(position, path, node)

    def add(self, code: str, reference: str, message: str, *keys: str, **said: Any) -> None:
        """Note a problem with a task, or with one of its properties; keywords as of `Findings`."""
        place = self.place(reference, *keys)
        self.findings.add(code, place.position, place.path, message, **said)

    def named(self, reference: str) -> str:
        """Return how messages call a task: by its name, and its function's if it is in one."""
        task = self.tasks[reference]
        undone, undoing, rest = reference.rpartition("/metadata/compensate")
        if undoing and not rest:
            return f"what undoes {self.named(undone)}"
        if reference.startswith("/functions/"):
            function = reference.split("/")[2].replace("~1", "/").replace("~0", "~")
            return f"`{task.name}` of `{function}`"
        if reference.startswith("/use/functions/"):
            return f"`{task.name}` of `{reference.split('/')[3]}`"
        return f"`{task.name}`"
