"""The bounded native compiler: from a syntax tree to one Python closure."""

from __future__ import annotations

from batuta.expressions.native.compiler import compile_native

__all__ = ["compile_native"]
