"""Events, as CloudEvents."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from batuta.server.models.base import Shape, Time


class CloudEvent(BaseModel):
    """A CloudEvent 1.0, with whatever extension attributes it has."""

    model_config = ConfigDict(extra="allow")
    specversion: Literal["1.0"]
    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    type: str = Field(min_length=1)
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None


class EventModel(Shape):
    """A published event, with its place in the order of all."""

    number: int
    at: Time
    event: CloudEvent


class Accepted(Shape):
    """How many events were taken; they are durable."""

    accepted: int
