"""A check that is switched off says why, on the line where it is."""

import io
import re
import tokenize

SUPPRESSION = re.compile(
    r"#\s*(?:ruff:\s*)?(?:"
    r"noqa(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)?"
    r"|type:\s*ignore(?:\[[^\]]*\])?"
    r"|pyright:\s*(?:ignore(?:\[[^\]]*\])?|[a-zA-Z]+(?:\s*=\s*\w+)?)"
    r"|pragma:\s*no\s+(?:cover|branch)"
    r")"
)
WORDS_AT_LEAST = 2


def comments(text):
    """Yield (line number, text) of every comment; strings that look like one are none."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def is_unexplained(comment):
    """Whether a comment suppresses something, and leaves fewer than two words of reason."""
    reason, found = SUPPRESSION.subn(" ", comment)
    return bool(found) and len(re.findall(r"[a-zA-Z]+", reason)) < WORDS_AT_LEAST


def test_every_suppression_carries_its_reason(sources):
    found = [
        f"{source.path}:{line}: {comment}"
        for source in sources
        for line, comment in comments(source.text)
        if is_unexplained(comment)
    ]

    assert not found, "say why, after the code:\n" + "\n".join(found)


def test_a_suppression_without_a_reason_is_recognised():
    no_reason = [
        "# noqa: S101",
        "# noqa",
        "# type: ignore[attr-defined]",
        "# pragma: no cover",
        "# pyright: ignore[reportPrivateUsage]",
        "# ruff: noqa: D",
        "# type: ignore[a]  # noqa: S101",
    ]
    reason = [
        "# noqa: S101 -- the parser has checked it",
        "# type: ignore[attr-defined] -- set by the metaclass",
        "# pragma: no cover -- only on Windows",
        "# an ordinary remark",
    ]

    assert [text for text in no_reason if not is_unexplained(text)] == []
    assert [text for text in reason if is_unexplained(text)] == []
