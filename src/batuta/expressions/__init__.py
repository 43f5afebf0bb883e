"""jq: the bounded native compiler, and the sandbox for everything else.

Owns reading, checking and evaluating expressions, and templates of them. It knows nothing of tasks,
runs or `$context`: variables are whatever the caller passes. `Sandbox`, which starts processes, is
imported from `batuta.expressions.sandbox` by whoever wires things together; what is exported here
is pure.
"""

from __future__ import annotations

from batuta.expressions.expression import (
    Expression,
    compile_condition,
    compile_expression,
    compile_wrapped,
    has_embedded,
    unwrap,
)
from batuta.expressions.failures import ExpressionFailure, TooMuchWork
from batuta.expressions.template import Template, compile_template

__all__ = [
    "Expression",
    "ExpressionFailure",
    "Template",
    "TooMuchWork",
    "compile_condition",
    "compile_expression",
    "compile_template",
    "compile_wrapped",
    "has_embedded",
    "unwrap",
]
