"""What several routes read off a request: its content type, its key, which runs it means."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.requests import Request  # noqa: TC002 -- read while the program runs

from batuta.app.listing import RunQuery
from batuta.server.models.base import Control, Status  # noqa: TC001 -- as above
from batuta.server.problems import Refused

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
After = Annotated[
    str | None, Query(max_length=512, description="`next` of the page before: go on from there.")
]
RunId = Annotated[str, Path(min_length=1, max_length=256)]


async def wanted_runs(  # noqa: PLR0913, PLR0917 -- FastAPI gives each parameter by its name
    request: Request,
    workflow: Annotated[
        str | None, Query(max_length=512, description="namespace/name, or with its version.")
    ] = None,
    version: Annotated[str | None, Query(max_length=128)] = None,
    control: Control | None = None,
    participant: Annotated[str | None, Query(max_length=400)] = None,
    status: Annotated[list[Status] | None, Query(description="One or more.")] = None,
    stuck: bool | None = None,
    since: Annotated[datetime | None, Query(description="Started then or later.")] = None,
    until: Annotated[datetime | None, Query(description="Started before.")] = None,
    error: Annotated[
        str | None, Query(max_length=512, description="The type of the fault, or `timeout`, ...")
    ] = None,
    q: Annotated[
        str | None, Query(max_length=512, description="How the id or a business key begins.")
    ] = None,
) -> RunQuery:
    """Return which runs a request means."""
    keys = {
        name.removeprefix("key."): value
        for name, value in request.query_params.items()
        if name.startswith("key.")
    }
    return RunQuery(
        workflow=workflow,
        version=version,
        control=control,
        participant=participant,
        status=tuple(status or ()),
        stuck=stuck,
        since=_utc(since),
        until=_utc(until),
        error=error,
        keys=keys,
        q=q,
    )


def _utc(moment: datetime | None) -> str | None:
    """Return a time as queries write it; without an offset it is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).isoformat()


WantedRuns = Annotated[RunQuery, Depends(wanted_runs)]


def media_of(request: Request) -> str:
    """Return the content type of a request's body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def unreadable(media: str, hint: str) -> Refused:
    """Return the refusal of a body whose content type is not read here."""
    return Refused(
        415,
        "media-type",
        "Unknown content type",
        f"{media} is not read here" if media else "there is no content type",
        hint=hint,
    )


def digest_of(body: bytes) -> str:
    """Return what tells whether two requests are the same."""
    return sha256(body).hexdigest()
