"""What describe() says: JSON Schema 2020-12 of `with` and of the result."""

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, TypedDict

import jsonschema_rs
import msgspec
import pytest

from batuta.adapters.callers.functions import FunctionRegistry, function


class Colour(enum.Enum):
    RED = "red"


class Point(TypedDict):
    x: int


class Money(msgspec.Struct):
    amount: Decimal
    currency: Literal["EUR", "USD"] = "EUR"


@dataclass
class Line:
    sku: str
    price: Money
    parts: "list[Line]"


class Model:
    """Has the three methods by which pydantic's models are met."""

    def __init__(self, value):
        self.value = value

    @classmethod
    def model_validate(cls, value):
        if not isinstance(value, dict) or "value" not in value:
            raise ValueError("field required: value")
        return cls(value["value"])

    def model_dump(self, *, mode):
        assert mode == "json"
        return {"value": self.value}

    @classmethod
    def model_json_schema(cls, *, ref_template):
        return {
            "type": "object",
            "properties": {"value": {"$ref": ref_template.format(model="Inner")}},
            "$defs": {"Inner": {"type": "integer"}},
        }


@function
def everything(
    line: Line,
    colour: Colour,
    point: Point,
    when: dt.datetime,
    day: dt.date,
    key: uuid.UUID,
    quantity: Annotated[int, msgspec.Meta(ge=1)] = 1,
    note: str | None = None,
    tags: list[str] = [],  # noqa: B006 -- the mutable default is the subject
    anything: Any = None,
    unsaid=Ellipsis,
) -> dict[str, Line]:
    """Show every kind of annotation."""
    return {"line": line}


@function
def plain(x, model: Model): ...


@pytest.fixture
def described():
    registry = FunctionRegistry()
    registry.add(everything)
    registry.add(plain)
    return {entry["name"]: entry for entry in registry.describe()}


def test_every_annotation_appears_in_the_schema(described):
    entry = described["everything"]
    assert entry["version"] == "1.0.0"
    assert entry["doc"] == "Show every kind of annotation."
    properties = entry["input"]["properties"]
    assert entry["input"]["required"] == ["line", "colour", "point", "when", "day", "key"]
    assert entry["input"]["additionalProperties"] is False
    assert properties["when"]["type"] == "string"
    assert properties["day"]["format"] == "date"
    assert properties["key"]["format"] == "uuid"
    assert properties["quantity"] == {"type": "integer", "minimum": 1, "default": 1}
    assert properties["tags"]["default"] == []
    assert properties["note"]["default"] is None
    assert "default" not in properties["unsaid"]
    assert {"Line", "Money", "Point", "Colour"} <= set(entry["input"]["$defs"])


def test_the_schemas_are_valid_and_accept_what_the_function_accepts(described):
    validator = jsonschema_rs.Draft202012Validator(described["everything"]["input"])
    line = {"sku": "A", "price": {"amount": "1.50"}, "parts": []}
    given = {
        "line": {**line, "parts": [line]},
        "colour": "red",
        "point": {"x": 1},
        "when": "2026-01-01T00:00:00Z",
        "day": "2026-01-01",
        "key": "12345678-1234-5678-1234-567812345678",
    }
    assert validator.is_valid(given)
    assert not validator.is_valid({**given, "quantity": 0})
    assert not validator.is_valid({**given, "colour": "blue"})
    output = jsonschema_rs.Draft202012Validator(described["everything"]["output"])
    assert output.is_valid({"line": line})
    assert not output.is_valid({"line": 1})


def test_what_has_no_annotation_accepts_anything(described):
    assert described["plain"]["input"]["properties"]["x"] == {}
    assert described["plain"]["output"] == {}


def test_the_parts_of_a_models_schema_stand_where_its_references_point(described):
    schema = described["plain"]["input"]
    assert schema["$defs"]["Inner"] == {"type": "integer"}
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid({"x": None, "model": {"value": 3}})
    assert not validator.is_valid({"x": None, "model": {"value": "three"}})


def test_a_kind_that_contains_itself_is_described(described):
    registry = FunctionRegistry()

    @function
    def nested() -> Line: ...

    registry.add(nested)
    validator = jsonschema_rs.Draft202012Validator(registry.describe()[0]["output"])
    line = {"sku": "A", "price": {"amount": "1.50"}, "parts": []}
    assert validator.is_valid({**line, "parts": [line]})
    assert not validator.is_valid({**line, "parts": [{}]})


async def test_models_are_validated_and_dumped_through_their_own_methods(perform):
    @function
    async def grown(model: Model) -> Model:
        return Model(model.value + 1)

    assert await perform(grown, {"model": {"value": 1}}) == {"value": 2}


class Tree:
    """A model that contains itself: its schema is a reference into its own parts."""

    model_validate = Model.model_validate

    @classmethod
    def model_json_schema(cls, *, ref_template):
        own = ref_template.format(model="Tree")
        tree = {"type": "object", "properties": {"child": {"$ref": own}}}
        return {"$ref": own, "$defs": {"Tree": tree}}


def test_a_model_that_contains_itself_is_described():
    registry = FunctionRegistry()

    @function(name="Tree")
    def planted(tree: Tree) -> Tree: ...

    registry.add(planted)
    (entry,) = registry.describe()
    validator = jsonschema_rs.Draft202012Validator(entry["input"])
    assert validator.is_valid({"tree": {"child": {"child": {}}}})
    assert not validator.is_valid({"tree": {"child": {"child": 1}}})
    assert not jsonschema_rs.Draft202012Validator(entry["output"]).is_valid({"child": 1})
