"""PURE: text -> checked workflow; every rejection has a code, a position and a hint.

`check` reports every problem of a document at once; `load` returns the workflow or raises with all
of them. The way through: `reading` (text to nodes), `survey` (nodes against `grammar`), `checks`
(names, flow, expressions, schemas), `building` (nodes to `model`). Functions with a file of their
own go the same way (`check_function`, `load_function`).
"""

from batuta.definition.checking import check, load
from batuta.definition.codes import CODES
from batuta.definition.function_document import FunctionReport, check_function, load_function
from batuta.definition.model import Workflow
from batuta.definition.problems import Problem, Report

__all__ = [
    "CODES",
    "FunctionReport",
    "Problem",
    "Report",
    "Workflow",
    "check",
    "check_function",
    "load",
    "load_function",
]
