"""Processes as tasks: shell commands, scripts and containers."""

from batuta.adapters.callers.processes.container import ContainerCaller
from batuta.adapters.callers.processes.execution import Limits, Processes
from batuta.adapters.callers.processes.policy import Policy
from batuta.adapters.callers.processes.script import ScriptCaller
from batuta.adapters.callers.processes.shell import ShellCaller

__all__ = [
    "ContainerCaller",
    "Limits",
    "Policy",
    "Processes",
    "ScriptCaller",
    "ShellCaller",
]
