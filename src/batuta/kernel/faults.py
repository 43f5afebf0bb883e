"""Workflow faults as values: RFC 7807 problems that a document can raise, catch and inspect."""

from __future__ import annotations

from typing import Any

import msgspec

STANDARD = "https://serverlessworkflow.io/spec/1.0.0/errors/"
"""Base of the standard error types (DSL reference, "Standard Error Types")."""


class FaultData(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A fault: `type` (URI), `status`, and optionally title, detail and instance.

    `instance` is the JSON Pointer of the task it arose in.
    """

    type: str
    status: int
    title: str | None = None
    detail: str | None = None
    instance: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the JSON object that documents see (`$error`)."""
        return {
            name: value
            for name in ("type", "status", "title", "detail", "instance")
            if (value := getattr(self, name)) is not None
        }


class Raised(Exception):  # noqa: N818 -- carries a fault, which is data and not an error
    """A task faulted while it was being evaluated."""

    def __init__(self, fault: FaultData) -> None:
        super().__init__(fault.title)
        self.fault = fault


def standard(
    kind: str, status: int, title: str, detail: str | None = None, instance: str | None = None
) -> FaultData:
    """Return a fault of a standard type; `kind` is the type's last part, or a whole URI."""
    uri = kind if ":" in kind else STANDARD + kind
    return FaultData(uri, status, title, detail, instance)


def expression_fault(detail: str, instance: str | None = None) -> Raised:
    """The evaluation of an expression failed."""
    return Raised(standard("expression", 400, "Expression error", detail, instance))


def validation_fault(detail: str, instance: str | None = None) -> Raised:
    """Data does not match its schema."""
    return Raised(standard("validation", 400, "Validation error", detail, instance))


def configuration_fault(detail: str, instance: str | None = None) -> Raised:
    """The document asks for something that is not set up here."""
    return Raised(standard("configuration", 400, "Configuration error", detail, instance))


def timeout_fault(detail: str, instance: str | None = None) -> FaultData:
    """A task or workflow ran past its timeout."""
    return standard("timeout", 408, "Timeout", detail, instance)
