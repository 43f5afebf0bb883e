"""Names, sizes and openings of files: a module has one subject and says which."""

import ast
from pathlib import PurePath

LINES_AT_MOST = 500

LONG_FOR_A_REASON: dict[str, str] = {}
"""Path -> why it is still one subject. An entry that is no longer needed is itself an error."""

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_no_file_has_a_name_that_says_nothing(paths):
    found = [
        path
        for path in paths
        if SAYS_NOTHING & {PurePath(part).stem.strip("_") for part in PurePath(path).parts}
    ]

    assert not found, f"name them after their subject: {found}"


def test_no_file_outgrows_one_subject(root, paths):
    lengths = {
        path: (root / path).read_text(encoding="utf-8").count("\n")
        for path in paths
        if PurePath(path).suffix in {".py", ".ts", ".tsx"}
    }
    long = {path: length for path, length in lengths.items() if length > LINES_AT_MOST}

    assert not {p: n for p, n in long.items() if p not in LONG_FOR_A_REASON}, (
        "split by subject, or say in LONG_FOR_A_REASON why it is one"
    )
    assert set(LONG_FOR_A_REASON) <= set(long), "an exemption that is no longer needed"


def test_every_module_says_what_it_owns(sources):
    silent = [source.path for source in sources if not ast.get_docstring(source.tree)]

    assert not silent, f"without a docstring: {silent}"
