"""OpenAPI: performing `call: openapi`, on top of what `call: http` stands on."""

from batuta.adapters.callers.openapi.caller import OpenApiCaller
from batuta.adapters.callers.openapi.store import DocumentStore

__all__ = ["DocumentStore", "OpenApiCaller"]
