"""Files and modules of functions: what is found in them, and what is told when they fail."""

import sys
import textwrap

import pytest

from batuta.adapters.callers.functions import FunctionRegistry
from batuta.errors import ConflictError, RequestError

IMPORT = "from batuta.adapters.callers.functions import function\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.chdir(tmp_path)

    def write_file(text: str, name: str = "functions.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def registry():
    return FunctionRegistry()


def test_a_file_gives_its_decorated_functions_and_no_others(write, registry):
    path = write(IMPORT + "@function\ndef b(): ...\n@function\ndef a(): ...\ndef plain(): ...\n")
    assert registry.load(path) == ("a", "b")
    assert registry.names() == ("a", "b")


def test_a_path_may_be_relative_text(write, registry):
    write(IMPORT + "@function\ndef a(): ...\n")
    assert registry.load("functions.py") == ("a",)


def test_loading_a_file_again_changes_nothing(write, registry):
    path = write(IMPORT + "@function\ndef a(): ...\n")
    registry.load(path)
    first = registry.get("a")
    assert registry.load(path) == ("a",)
    assert registry.get("a") is first


def test_a_file_may_import_its_neighbours_and_use_its_own_types(write, registry):
    write("LIMIT = 3\n", "orders_limits.py")
    path = write(
        """\
        from __future__ import annotations
        from dataclasses import dataclass
        from orders_limits import LIMIT
        from batuta.adapters.callers.functions import function

        @dataclass
        class Order:
            id: str

        @function
        def a(order: Order) -> int:
            return LIMIT
        """
    )
    registry.load(path)
    assert "order" in registry.get("a").signature.input_schema["properties"]


def test_a_module_is_loaded_by_name_from_the_current_folder(write, registry):
    write("", "shop_package/__init__.py")
    write(IMPORT + "@function\ndef a(): ...\n", "shop_package/steps.py")
    assert registry.load("shop_package.steps") == ("a",)


def test_a_package_may_expose_functions_of_its_modules(write, registry):
    write("from shop_package2.steps import a, a as again\n", "shop_package2/__init__.py")
    write(IMPORT + "@function\ndef a(): ...\n", "shop_package2/steps.py")
    assert registry.load("shop_package2") == ("a",)


def test_two_files_of_one_name_do_not_replace_each_other(write, registry):
    one = write(IMPORT + "@function\ndef a(): ...\n", "one/functions.py")
    two = write(IMPORT + "@function\ndef b(): ...\n", "two/functions.py")
    registry.load(one)
    registry.load(two)
    assert registry.names() == ("a", "b")


def test_a_file_that_clashes_registers_nothing(write, registry):
    registry.load(write(IMPORT + "@function\ndef b(): ...\n", "one.py"))
    with pytest.raises(ConflictError):
        registry.load(
            write(IMPORT + "@function\ndef a(): ...\n@function\ndef b(): ...\n", "two.py")
        )
    assert registry.names() == ("b",)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("x = 1\ndef broken(:\n", 2, "SyntaxError"),
        ("import json\nimport not_installed_at_all\n", 2, "ModuleNotFoundError"),
        ("from json import nothing_there\n", 1, "ImportError"),
        ("x = 1\n\ny = 1 / 0\n", 3, "ZeroDivisionError"),
        ("import json\njson.loads('{')\n", 2, "JSONDecodeError"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit"),
    ],
)
def test_what_fails_at_import_is_told_with_file_and_line(write, registry, text, line, what):
    path = write(text)
    with pytest.raises(RequestError) as refused:
        registry.load(path)
    assert refused.value.message.startswith(f"{path}:{line}: {what}")
    assert refused.value.hint


def test_what_fails_in_a_named_module_is_told_with_file_and_line(write, registry):
    path = write("1 / 0\n", "failing_module.py")
    with pytest.raises(RequestError) as refused:
        registry.load("failing_module")
    assert refused.value.message.startswith(f"{path}:1: ZeroDivisionError")


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ("nowhere.py", "no file of functions"),
        ("not_a_module_anywhere", "no module `not_a_module_anywhere`"),
        ("json.not_a_part", "no module `json.not_a_part`"),
        ("two words", "neither a file nor the name"),
    ],
)
def test_what_does_not_exist_is_told_with_where_it_was_sought(write, registry, spec, what):
    with pytest.raises(RequestError, match=what) as refused:
        registry.load(spec)
    assert refused.value.hint


def test_a_file_that_decorates_nothing_is_refused_and_names_what_it_defines(write, registry):
    path = write("def reserve(): ...\n")
    with pytest.raises(RequestError, match="it defines reserve") as refused:
        registry.load(path)
    assert "@batuta.function" in refused.value.hint
