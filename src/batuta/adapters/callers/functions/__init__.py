"""Python functions as tasks: declaring, finding, describing and calling them."""

from batuta.adapters.callers.functions.caller import FunctionCaller
from batuta.adapters.callers.functions.context import Context, TaskLogger, current_context
from batuta.adapters.callers.functions.declare import Declaration, function
from batuta.adapters.callers.functions.registry import FunctionRegistry, RegisteredFunction, Style
from batuta.ports.caller import Fault

__all__ = [
    "Context",
    "Declaration",
    "Fault",
    "FunctionCaller",
    "FunctionRegistry",
    "RegisteredFunction",
    "Style",
    "TaskLogger",
    "current_context",
    "function",
]
