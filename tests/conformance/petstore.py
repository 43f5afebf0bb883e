"""A stand-in for the two public hosts that the conformance kit calls; every other host fails."""

from __future__ import annotations

import base64
import json

import httpx2

PETS = {1: "Rex", 2: "Tom"}

DESCRIPTION = {
    "swagger": "2.0",
    "info": {"title": "Pets, for tests", "version": "1"},
    "host": "petstore.swagger.io",
    "basePath": "/v2",
    "schemes": ["https"],
    "paths": {
        "/pet/findByStatus": {
            "get": {
                "operationId": "findPetsByStatus",
                "parameters": [
                    {
                        "name": "status",
                        "in": "query",
                        "required": True,
                        "type": "array",
                        "items": {"type": "string"},
                        "collectionFormat": "multi",
                    }
                ],
                "responses": {"200": {"description": "those pets"}},
            }
        },
        "/pet/{petId}": {
            "get": {
                "operationId": "getPetById",
                "parameters": [
                    {"name": "petId", "in": "path", "required": True, "type": "integer"}
                ],
                "responses": {"200": {"description": "that pet"}},
            }
        },
    },
}


def pet(number: int) -> dict[str, object]:
    """Return a pet as the store shows it."""
    return {"id": number, "name": PETS[number], "status": "available"}


def answer(request: httpx2.Request) -> httpx2.Response:
    """Answer as those hosts do."""
    host, path = request.url.host, request.url.path
    if request.method == "GET" and host == "petstore.swagger.io":
        return _petstore(path, dict(request.url.params))
    if request.method == "GET" and host == "httpbin.org" and path.startswith("/basic-auth/"):
        user, password = path.removeprefix("/basic-auth/").split("/")
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        allowed = request.headers.get("authorization") == wanted
        return httpx2.Response(200 if allowed else 401, json={"authenticated": allowed})
    raise httpx2.ConnectError(f"{request.method} {request.url}: there is no such host here")


def _petstore(path: str, query: dict[str, str]) -> httpx2.Response:
    if path == "/v2/swagger.json":
        return httpx2.Response(200, json=DESCRIPTION)
    if path == "/v2/pet/findByStatus" and query == {"status": "available"}:
        return httpx2.Response(200, json=[pet(number) for number in PETS])
    number = path.removeprefix("/v2/pet/")
    if number in {str(known) for known in PETS}:
        return httpx2.Response(200, content=json.dumps(pet(int(number))), headers=JSON)
    return httpx2.Response(404, json={"message": "not found"})


JSON = {"content-type": "application/json"}
