"""PURE: text -> checked workflow; every rejection has a code, a position and a hint.

`check` reports every problem of a document at once; `load` returns the workflow or raises with all
of them. The way through: `reading` (text to nodes), `survey` (nodes against `grammar`), `checks`
(names, flow, expressions, schemas), `building` (nodes to `model`).
"""

from batuta.definition.checking import check, load
from batuta.definition.codes import CODES
from batuta.definition.model import Workflow
from batuta.definition.problems import Problem, Report

__all__ = ["CODES", "Problem", "Report", "Workflow", "check", "load"]
