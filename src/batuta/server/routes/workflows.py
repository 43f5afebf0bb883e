"""Workflows: deployed, checked, and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from batuta.app.workflows import check_text, problem_json
from batuta.errors import ConflictError, DefinitionError, RequestError
from batuta.server.access import DEPLOYER, VIEWER
from batuta.server.answers import Answer
from batuta.server.asked import media_of, unreadable
from batuta.server.desk import Guarded, namespace_of, refusals, role, who_of
from batuta.server.models.base import Control, Page
from batuta.server.models.workflows import (
    Checked,
    Deployed,
    GraphModel,
    RulesModel,
    VersionModel,
    WorkflowModel,
)
from batuta.server.problems import Refused

if TYPE_CHECKING:
    from batuta.server.desk import Desk

_VERSION = "/workflows/{namespace}/{name}/versions/{version}"
_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
_MEDIA = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "application/json"})

Part = Annotated[str, Path(min_length=1, max_length=256)]


async def document_of(request: Request) -> str:
    """Return the document that is a request's body.

    Raises:
        Refused: its content type is none of a document.
        RequestError: it is no text.
    """
    media = media_of(request)
    if media not in _MEDIA:
        raise unreadable(media, "send a document as application/yaml or application/json")
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError:
        raise RequestError("the document is not UTF-8 text", hint="save it as UTF-8") from None
    # A text without a line break would be taken for the path of a file.
    return f"{text}\n"


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Guarded, tags=["workflows"])

    @routes.get(
        "/workflows",
        operation_id="listWorkflows",
        response_model=Page[WorkflowModel],
        responses=refusals(),
        openapi_extra=role(VIEWER),
    )
    async def every(request: Request) -> Response:
        """List the workflows that are deployed, with their versions."""
        who = who_of(request)
        found = [one for one in desk.workflows.all() if who.sees(namespace_of(one.name))]
        return Answer({"items": found, "next": None})

    @routes.post(
        "/workflows",
        operation_id="deployWorkflow",
        status_code=201,
        response_model=Deployed,
        responses=refusals(409, 413, 415),
        openapi_extra=role(DEPLOYER) | _DOCUMENT,
    )
    async def deploy(
        request: Request,
        replace: Annotated[
            bool, Query(description="Let it take the place of another text of its version.")
        ] = False,
    ) -> Response:
        """Check a document and keep it."""
        text = await document_of(request)
        workflow = desk.engine.check(text).workflow
        if workflow is not None:
            who_of(request).require(DEPLOYER, workflow.document.namespace)
        identity = await desk.engine.deploy(text, replace=replace)
        desk.note(request, "workflow.deploy", identity, replace=replace)
        return Answer({"identity": identity}, status_code=201)

    @routes.post(
        "/workflows/check",
        operation_id="checkWorkflow",
        response_model=Checked,
        responses=refusals(413, 415),
        openapi_extra=role(VIEWER) | _DOCUMENT,
    )
    async def check(
        request: Request,
        control: Annotated[
            Control | None, Query(description="Also whether it runs under this control model.")
        ] = None,
    ) -> Response:
        """Say everything that is wrong with a document; nothing is kept."""
        text = await document_of(request)
        problems = check_text(text, control, desk.engine.check(text), {})
        return Answer(
            {
                "ok": not any(one.severity == "error" for one in problems),
                "problems": [problem_json(one) for one in problems],
            }
        )

    def identity_of(request: Request, namespace: str, name: str, version: str) -> str:
        who_of(request).require(VIEWER, namespace)
        return f"{namespace}/{name}:{version}"

    @routes.get(
        _VERSION,
        operation_id="getVersion",
        response_model=VersionModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def version(request: Request, namespace: Part, name: Part, version: Part) -> Response:
        """Return one version: its source, and what stands against running it."""
        return Answer(desk.workflows.version(identity_of(request, namespace, name, version)))

    @routes.get(
        f"{_VERSION}/graph",
        operation_id="getGraph",
        response_model=GraphModel,
        responses=refusals(404),
        openapi_extra=role(VIEWER),
    )
    async def graph(request: Request, namespace: Part, name: Part, version: Part) -> Response:
        """Return a version's tasks, and how control gets from one to another."""
        return Answer(desk.workflows.graph(identity_of(request, namespace, name, version)))

    @routes.get(
        f"{_VERSION}/rules",
        operation_id="getRules",
        response_model=RulesModel,
        responses=refusals(404, 409),
        openapi_extra=role(VIEWER),
    )
    async def rules(request: Request, namespace: Part, name: Part, version: Part) -> Response:
        """Return what each participant does on its own."""
        identity = identity_of(request, namespace, name, version)
        try:
            return Answer(desk.workflows.rules(identity))
        except DefinitionError as error:
            raise unprojectable(error) from None

    return routes


def unprojectable(error: DefinitionError) -> Refused:
    """Return the refusal of rules that there cannot be: the document is right, and yet."""
    return Refused(
        409,
        ConflictError.code,
        "It cannot be choreographed",
        error.message,
        hint=error.hint,
        errors=[problem_json(one) for one in error.problems],  # pyright: ignore[reportArgumentType] -- realisability's
    )
