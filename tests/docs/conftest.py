"""The guide's own files, where its snippets expect them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from page_snippets import snippets


@pytest.fixture
def guide_folder(tmp_path, monkeypatch):
    """A folder with the guide's functions and its first workflow, as the current one."""
    functions, *_ = [one for one in snippets("docs/guide.md", "python") if "@batuta" in one.text]
    order, *_ = snippets("docs/guide.md", "yaml")
    tmp_path.joinpath("functions.py").write_text(functions.text)
    tmp_path.joinpath("order.yaml").write_text(order.text)
    monkeypatch.chdir(tmp_path)
    return tmp_path
