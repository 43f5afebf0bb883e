"""A decision says what forced it, what was chosen, and what would make it wrong."""

import re

import pytest

ASKED = ["Context", "Choice", "What would change our mind"]
LINES_AT_MOST = 80


@pytest.fixture(scope="module")
def decisions(pages):
    """Every page of the decisions folder, the template included, in their order."""
    return [page for page in pages if page.path.startswith("decisions/")]


def test_every_decision_answers_what_the_template_asks(decisions):
    found = [
        page.path
        for page in decisions
        if re.findall(r"^## (.+)$", page.text, re.MULTILINE) != ASKED
        or not re.match(rf"# {page.path.removeprefix('decisions/')[:4]}: \S", page.text)
    ]

    assert not found


def test_a_decision_is_one_page(decisions):
    assert not [page.path for page in decisions if page.text.count("\n") > LINES_AT_MOST]


def test_no_number_is_given_twice(decisions):
    numbers = [page.path.removeprefix("decisions/")[:4] for page in decisions]

    assert len(numbers) == len(set(numbers))
