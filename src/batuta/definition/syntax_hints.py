"""What a YAML parser's complaint means to the author of a workflow.

Owns the translation of libyaml's words into the mistake that is usually behind them. Rules: the
first entry whose words occur in the complaint wins; what is not in the table is passed on as it is.
"""

from __future__ import annotations

_QUOTE = "put the value in quotes, for example '${ .a + { b: 1 } }'"

_MEANINGS: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a second `: ` on one line, or a wrong indent", _QUOTE),
    (
        "did not find expected ',' or '}'",
        "a `{` is not closed, or a value in it needs quotes",
        "inside `{ ... }` an expression must be quoted: { sku: '${ .sku }' }",
    ),
    (
        "did not find expected ',' or ']'",
        "a `[` is not closed, or a value in it needs quotes",
        "inside `[ ... ]` an expression must be quoted: [ '${ .sku }' ]",
    ),
    (
        "cannot start any token",
        "a value begins with a character that YAML keeps for itself, or a line with a tab",
        "quote values that begin with @, ` or %; indent with spaces",
    ),
    (
        "did not find expected '-' indicator",
        "an entry of a list is not aligned with the others",
        "begin every entry of a list with `- ` at the same indent",
    ),
    (
        "did not find expected key",
        "a line is not aligned with the others of its mapping, or a quote ends too early",
        "align the keys of a mapping; double a quote that is meant literally",
    ),
    ("could not find expected ':'", "a key without `:`", "write `key: value`"),
    ("unexpected end of stream", "a quote is not closed", "close the quote"),
    (
        "found unknown escape character",
        "a backslash in double quotes begins an escape that YAML does not know",
        "use single quotes around expressions: '${ \"id-\\(.id)\" }'",
    ),
    (
        "document start",
        "the text goes on after the end of the document",
        "a file holds one document; indent everything under its keys",
    ),
    (
        "expected node content",
        "a value is missing where the text goes on or ends",
        "close what is open, or quote the value",
    ),
    (
        "control characters",
        "a character that YAML does not allow",
        "write it as an escape in double quotes",
    ),
)


def explain(complaint: str) -> tuple[str, str]:
    """Return a complaint of the parser as a message and a hint (the hint may be empty)."""
    for words, message, hint in _MEANINGS:
        if words in complaint:
            return message, hint
    return complaint, ""
