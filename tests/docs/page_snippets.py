"""Pages as their snippets: what stands in fenced blocks, by language."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADER = "document: { dsl: '1.0.3', namespace: guide, name: snippet, version: '1.0.0' }\n"


@dataclass(frozen=True)
class Snippet:
    """A fenced block: the page it is on, its line there, its language, its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"

    @property
    def workflow(self):
        """Its text as a whole workflow, with what a part of one leaves out."""
        if self.text.startswith("document:"):
            return self.text
        if self.text.startswith("- "):
            return f"{HEADER}do:\n" + re.sub(r"^(?=.)", "  ", self.text, flags=re.MULTILINE)
        return HEADER + self.text


def snippets(page, language):
    """Give the blocks of one language of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Snippet(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in FENCED.finditer(text)
        if found[1] == language
    ]
