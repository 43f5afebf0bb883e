"""Reads the part of Gherkin that the DSL's conformance kit is written in.

A feature holds scenarios; a scenario holds steps, each a keyword and a text, some followed by a
block of text between triple quotes. Tags, tables, backgrounds and outlines do not occur there, so
that a line that is none of these is an error and not silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent

KEYWORDS = ("Given ", "When ", "Then ", "And ", "But ")
QUOTES = '"""'


@dataclass
class Step:
    """One line of a scenario, without its keyword, and the block under it."""

    text: str
    block: str | None = None


@dataclass
class Scenario:
    """One case, with the name of its feature."""

    feature: str
    name: str
    steps: list[Step] = field(default_factory=list)


def scenarios(text: str) -> list[Scenario]:
    """Return the scenarios of a feature file in order."""
    feature, found = "", []
    block: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if block is not None:
            if bare == QUOTES:
                found[-1].steps[-1].block = dedent("\n".join(block))
                block = None
            else:
                block.append(line)
        elif bare.startswith(QUOTES):
            block = []
        elif bare.startswith("Feature:"):
            feature = bare.removeprefix("Feature:").strip()
        elif bare.startswith("Scenario:"):
            found.append(Scenario(feature, bare.removeprefix("Scenario:").strip()))
        elif found and bare.startswith(KEYWORDS):
            found[-1].steps.append(Step(bare.partition(" ")[2]))
        elif bare and not bare.startswith("#") and found:
            raise ValueError(f"line {number}: {bare!r} is no step")
    return found
