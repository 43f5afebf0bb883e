"""What may be named only where the world is touched: clocks, chance, tasks of the loop, drivers.

The pure packages' imports are a contract in `pyproject.toml`; this looks at single names, which a
contract about modules cannot.
"""

import ast

import pytest

BANNED = {
    "time.time": "ask ports.Clock, or take `now` as an argument",
    "time.time_ns": "ask ports.Clock, or take `now` as an argument",
    "datetime.datetime.now": "ask ports.Clock, or take `now` as an argument",
    "datetime.datetime.utcnow": "ask ports.Clock, or take `now` as an argument",
    "datetime.datetime.today": "ask ports.Clock, or take `now` as an argument",
    "datetime.date.today": "ask ports.Clock, or take `now` as an argument",
    "uuid.uuid1": "derive the id from the run, the reference, the iteration and the attempt",
    "uuid.uuid4": "derive the id from the run, the reference, the iteration and the attempt",
    "random": "take a seeded random.Random as an argument",
    "asyncio.create_task": "use asyncio.TaskGroup, so that no task is lost or left",
    "asyncio.ensure_future": "use asyncio.TaskGroup, so that no task is lost or left",
}
ALLOWED_BELOW = ("src/batuta/adapters", "src/batuta/runtime")
ALLOWED_ANYWHERE = {"random", "random.Random"}  # the import itself, and a generator with a seed

HOMES = {
    "click": "src/batuta/cli",
    "rich": "src/batuta/cli",
    "fastapi": "src/batuta/server",
    "httpx2": "src/batuta/adapters",
    "pydantic": "src/batuta/server",
    "starlette": "src/batuta/server",
    "uvicorn": "src/batuta/server",
    "cryptography": "src/batuta/adapters",
    "jq": "src/batuta/expressions",
    "nats": "src/batuta/adapters/buses/nats",
    "yaml": "src/batuta/definition",
}
"""Driver library -> the one folder that imports it."""


def imported(tree):
    """Map each local name to what it was imported as: `from time import time as t` -> time.time."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node, names):
    """Give the full name that an expression stands for, or None when it is not an imported one."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute) and (stem := dotted(node.value, names)):
        return f"{stem}.{node.attr}"
    return None


def banned_uses(tree):
    """Yield (line, full name, what to do instead), also where it is passed on and not called."""
    names = imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        name = dotted(node, names)
        if name is None or name in ALLOWED_ANYWHERE:
            continue
        instead = BANNED.get(name) or BANNED.get(name.partition(".")[0])
        if instead:
            yield node.lineno, name, instead


def imports(tree):
    """Yield (line, full module name) of everything imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def sleeps(tree):
    """Yield the lines that wait for time to pass; `asyncio.sleep(0)` only lets others run."""
    names = imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func, names)
        gives_way = node.args and isinstance(node.args[0], ast.Constant) and not node.args[0].value
        if name == "time.sleep" or (name == "asyncio.sleep" and not gives_way):
            yield node.lineno


def test_nothing_asks_for_time_or_chance_outside_adapters_and_runtime(product):
    found = [
        f"{source.path}:{line}: {name}: {instead}"
        for source in product
        if not source.is_below(*ALLOWED_BELOW)
        for line, name, instead in banned_uses(source.tree)
    ]

    assert not found, "\n".join(found)


def test_nothing_is_mocked(sources):
    found = [
        f"{source.path}:{line}"
        for source in sources
        for line, name in imports(source.tree)
        if name == "mock" or name.startswith("unittest.mock")
    ]

    assert not found, f"use a fake that passes the port's suite, or a local server: {found}"


def test_no_test_sleeps(sources):
    found = [
        f"{source.path}:{line}"
        for source in sources
        if source.is_below("tests")
        for line in sleeps(source.tree)
    ]

    assert not found, f"wait for the thing itself, or move a fake clock: {found}"


def test_a_driver_library_is_imported_in_one_folder(product):
    found = [
        f"{source.path}:{line}: {name} belongs to {HOMES[name.partition('.')[0]]}"
        for source in product
        for line, name in imports(source.tree)
        if (home := HOMES.get(name.partition(".")[0])) and not source.is_below(home)
    ]

    assert not found, "\n".join(sorted(set(found)))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import time\ntime.time()", "time.time"),
        ("from time import time as t\nclock = t", "time.time"),
        ("import datetime as dt\ndt.datetime.now(dt.UTC)", "datetime.datetime.now"),
        ("from datetime import datetime\nf(default=datetime.now)", "datetime.datetime.now"),
        ("from uuid import uuid4\nuuid4()", "uuid.uuid4"),
        ("import random\nrandom.choice([1])", "random.choice"),
        ("from random import shuffle\nshuffle([])", "random.shuffle"),
        ("import asyncio\nasyncio.create_task(f())", "asyncio.create_task"),
    ],
)
def test_a_banned_name_is_recognised_however_it_is_imported(text, name):
    assert [found for _, found, _ in banned_uses(ast.parse(text))] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "import random\nrandom.Random(7).random()",
        "import time\ntime.monotonic()",
        "def f(time):\n    return time.time",
        "from datetime import datetime\ndatetime.fromtimestamp(0)",
    ],
)
def test_a_harmless_name_is_left_alone(text):
    assert list(banned_uses(ast.parse(text))) == []
