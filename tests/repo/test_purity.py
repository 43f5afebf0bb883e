"""The pure packages, seen from outside: what importing them brings into a fresh interpreter.

import-linter forbids them to import a clock, a loop, a socket and so on directly; it does not
follow third parties, and cannot see a coroutine. This does.
"""

import ast
import json
import subprocess
import sys
import sysconfig
import tomllib

PURE = ("definition", "kernel", "choreography")
"""Packages that are pure where they exist."""

FORBIDDEN = frozenset(
    {"asyncio", "socket", "ssl", "sqlite3", "threading", "random", "logging", "subprocess"}
)

LOADED = """
import json, sys
sys.path[:0] = {path!r}
for name in {modules!r}:
    __import__(name)
print(json.dumps(sorted(sys.modules)))
"""


def loaded_after(modules, root):
    """Import modules in a fresh interpreter; give all that is loaded then.

    `-I -S` leaves out the environment and the site's start-up files: a coverage run starts itself
    through them, and would bring threads and a database.
    """
    path = [str(root / "src"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOADED.format(path=path, modules=sorted(modules))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def modules_of(package, product):
    """Names of every module of one of our packages."""
    return {
        source.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        for source in product
        if source.is_below(f"src/batuta/{package}")
    }


def test_importing_the_kernel_brings_no_loop_socket_disk_or_chance(root, product):
    ours = {name.replace("/", ".") for name in modules_of("kernel", product)}
    loaded = loaded_after(ours, root)
    brought_by_others = loaded_after(
        {
            name.partition(".")[0]
            for name in loaded
            if name.partition(".")[0] not in sys.stdlib_module_names | {"batuta", "__main__"}
            # What compiled modules share is registered under a name that cannot be imported.
            and not name.startswith(("_cython_", "cython_"))
        },
        root,
    )

    assert loaded & FORBIDDEN <= brought_by_others & FORBIDDEN


def test_no_pure_package_has_a_coroutine(product):
    found = [
        f"{source.path}:{node.lineno}"
        for source in product
        if source.is_below(*(f"src/batuta/{package}" for package in PURE))
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]

    assert not found


def test_the_import_contract_names_every_pure_package(root, product):
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one["type"] == "forbidden"]

    assert set(contract["source_modules"]) == {
        f"batuta.{package}" for package in PURE if modules_of(package, product)
    }
    assert set(contract["forbidden_modules"]) >= FORBIDDEN
