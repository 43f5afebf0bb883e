"""Importing the user's module of functions, and telling precisely what stood in the way.

Owns finding and executing `FILE.py` or a named module. Does not own which functions of it count
(`registry`). What fails at import is the user's to fix, so every failure becomes a `RequestError`
that begins with `file:line:` of their code.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from batuta.errors import RequestError

if TYPE_CHECKING:
    from types import ModuleType

_MODULE_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def looks_like_a_file(spec: str | Path) -> bool:
    """Return True when `spec` is a path and not the name of a module."""
    return isinstance(spec, Path) or spec.endswith(".py") or os.sep in spec


def import_spec(spec: str | Path) -> ModuleType:
    """Import `FILE.py` or the module `package.module`.

    The file's folder (for a module: the current one) joins the end of the import path, so that
    neighbours can be imported and nothing installed is shadowed.

    Raises:
        RequestError: it does not exist, or raises while it is imported; with file and line.
    """
    if looks_like_a_file(spec):
        return _import_file(Path(spec))
    return _import_module(str(spec))


def _import_file(given: Path) -> ModuleType:
    path = given.expanduser().resolve()
    if not path.is_file():
        raise RequestError(
            f"there is no file of functions at `{given}`",
            hint=f"looked at {path}" + ("; name the .py file in it" if path.is_dir() else ""),
        )
    # The path is part of the name: two files called functions.py do not replace each other.
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    stem = re.sub(r"\W", "_", path.stem)
    name = f"batuta_functions_{stem}_{digest}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise RequestError(f"`{given}` is not a Python file", hint="give it the ending .py")
    _join_path(path.parent)
    module = importlib.util.module_from_spec(found)
    # Dataclasses and type hints look their module up by name while it is being executed.
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _refusal(error, str(given), path) from error
    return module


def _import_module(name: str) -> ModuleType:
    if not _MODULE_NAME.fullmatch(name):
        raise RequestError(
            f"`{name}` is neither a file nor the name of a module",
            hint="write `FILE.py` or `package.module`",
        )
    _join_path(Path.cwd())
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and _is_part(error.name, name):
            raise RequestError(
                f"there is no module `{error.name}`",
                hint=f"looked from {Path.cwd()} and among the installed packages; "
                "a file is named with its ending, FILE.py",
            ) from None
        raise _refusal(error, name, None) from error


def _is_part(missing: str | None, name: str) -> bool:
    return missing is not None and (name == missing or name.startswith(missing + "."))


def _join_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _refusal(error: BaseException, spec: str, path: Path | None) -> RequestError:
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        place = f"{error.filename}:{error.lineno}"
        what = f"{type(error).__name__}: {error.msg}"
    else:
        place = _place(error, path) or spec
    hint = f"`{spec}` must import without errors: run `python {path}`" if path else ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = f"install what provides `{error.name}` into the environment that runs Batuta"
    elif isinstance(error, SystemExit):
        hint = 'keep what a script does under `if __name__ == "__main__":`'
    return RequestError(f"{place}: {what}", hint=hint)


def _place(error: BaseException, path: Path | None) -> str | None:
    """Return file:line of the user's own code: the deepest frame in the folder of the file."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    frames = [frame for frame in frames if "importlib" not in Path(frame.filename).parts]
    if path is not None:
        own = [frame for frame in frames if Path(frame.filename).parent == path.parent]
        frames = own or frames
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else None
