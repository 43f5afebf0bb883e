"""Calls to make and secrets to use in tests of functions."""

from __future__ import annotations

from typing import Any

import pytest

from batuta.adapters.callers.functions import FunctionCaller, FunctionRegistry
from batuta.ports.caller import Call, Fault


class FakeSecrets:
    """One secret, `token`, whose placeholder is `<token>`."""

    VALUE = "s3cr3t-value"

    def reveal(self, value: Any) -> Any:
        return self._replaced(value, "<token>", self.VALUE)

    def redact(self, value: Any) -> Any:
        return self._replaced(value, self.VALUE, "<token>")

    def get(self, name: str) -> Any:
        if name != "token":
            raise Fault("authorization", 403, "Secret not available", name)
        return self.VALUE

    def _replaced(self, value: Any, old: str, new: str) -> Any:
        if isinstance(value, str):
            return value.replace(old, new)
        if isinstance(value, dict):
            return {key: self._replaced(item, old, new) for key, item in value.items()}
        if isinstance(value, list):
            return [self._replaced(item, old, new) for item in value]
        return value


@pytest.fixture
def make_call():
    def make(target: str, arguments: dict[str, Any] | None = None, **more: Any) -> Call:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "workflow": "retail/order:1.0.0",
            "reference": "/do/0/step",
            "name": "step",
            "kind": "function",
            "target": target,
            "arguments": arguments or {},
            "idempotency_key": "key-1",
        }
        return Call(**{**values, **more})

    return make


@pytest.fixture
def make_caller():
    made: list[FunctionCaller] = []

    def make(*functions: Any, **settings: Any) -> FunctionCaller:
        registry = FunctionRegistry()
        for fn in functions:
            registry.add(fn)
        secrets = settings.pop("secrets", FakeSecrets())
        made.append(FunctionCaller(registry, secrets, **settings))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


@pytest.fixture
def perform(make_caller, make_call):
    """Call one function once, whether it answers at once or later."""

    async def run(fn: Any, arguments: dict[str, Any] | None = None, **more: Any) -> Any:
        caller = make_caller(fn)
        answer = caller(make_call(caller._registry.names()[0], arguments, **more))
        return await answer if hasattr(answer, "__await__") else answer

    return run
