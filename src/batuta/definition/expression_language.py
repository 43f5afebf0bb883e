"""The door to `batuta.expressions`: the names that checking a definition needs of it.

Owns nothing; one module imports the expression language, so the rest of the package can be read
without knowing it.
"""

from batuta.expressions import compile_expression, has_embedded, syntax, unwrap
from batuta.expressions.parser import parse

__all__ = ["compile_expression", "has_embedded", "parse", "syntax", "unwrap"]
