"""The shapes of answers and bodies: what the OpenAPI document is made of.

Bodies are held against these shapes. Answers are written by `answers.Answer` from the values of the
use cases, without going through them; that they have these shapes is what the tests of the document
see to.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")

Control = Literal["orchestrated", "choreographed"]
Status = Literal["running", "waiting", "suspended", "completed", "faulted", "cancelled"]
Granted = Literal["reveal", "publish:*"]
Role = Literal["viewer", "operator", "deployer", "admin"]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An RFC 3339 text in UTC."""


class Shape(BaseModel):
    """Base of every shape: camelCase outside, nothing unknown, no guessing of types."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=True
    )


class Page(Shape, Generic[T]):
    """A part of a list: `next` goes into `after` to get what follows, null at the end."""

    items: list[T]
    next: str | None = None


class Fault(BaseModel):
    """What a run or task came to: RFC 7807 members as the DSL has them."""

    model_config = ConfigDict(extra="allow")
    type: str
    status: int
    title: str | None = None
    detail: str | None = None
    instance: str | None = None


class ProblemItem(BaseModel):
    """One thing that is wrong: in a document with its line, in a body with its place."""

    model_config = ConfigDict(extra="allow")
    code: str
    message: str
    path: str = ""
    hint: str = ""
    line: int | None = None
    column: int | None = None
    severity: Literal["error", "warning"] = "error"
    value: str = ""
    expected: str = ""


class ProblemDetails(Shape):
    """Why a request was refused (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    errors: list[ProblemItem]
