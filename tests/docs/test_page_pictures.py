"""The pictures of the page are those that its tests take, each is shown, and all are small."""

import ast
import re

from page_snippets import ROOT

PICTURES = ROOT / "docs" / "page"
SHOWN = re.compile(r"!\[[^\]]+\]\(page/([\w-]+)\.png\)")
CONTROLS = ("orchestrated", "choreographed")
MOST_BYTES = 2_500_000


def taken():
    """Names of the pictures that tests take; what stands in braces is a control model."""
    for path in ROOT.glob("tests/page/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "picture":
                name = ast.unparse(node.args[0]).removeprefix("f").strip("'")
                yield from {name.replace("{control}", control) for control in CONTROLS}


def test_each_picture_that_is_taken_is_kept_and_shown():
    kept = {path.stem for path in PICTURES.iterdir()}
    shown = SHOWN.findall(ROOT.joinpath("docs/page.md").read_text("utf-8"))

    assert kept == set(taken()), "take them anew: make pictures"
    assert sorted(shown) == sorted(kept)


def test_the_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}

    assert sum(sizes.values()) < MOST_BYTES, sizes
