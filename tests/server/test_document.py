"""The OpenAPI document is what is in the repository, and says of each route who may use it."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kept():
    return (ROOT / "ui/openapi.json").read_text("utf-8")


async def test_the_document_in_the_repository_is_what_the_server_tells(kept):
    place = importlib.util.spec_from_file_location("openapi_tool", ROOT / "tools/openapi.py")
    tool = importlib.util.module_from_spec(place)
    place.loader.exec_module(tool)

    assert kept == await tool.written(), "run .venv/bin/python tools/openapi.py"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(kept):
    operations = [
        operation for path in json.loads(kept)["paths"].values() for operation in path.values()
    ]
    names = [one["operationId"] for one in operations]

    assert len(set(names)) == len(names)
    assert not [one["operationId"] for one in operations if not one.get("description")]


def test_every_refusal_is_told_as_problem_details(kept):
    contents = {
        media
        for path in json.loads(kept)["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for media in answer["content"]
    }

    assert contents == {"application/problem+json"}
