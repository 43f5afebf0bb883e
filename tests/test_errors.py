"""`batuta.errors`: what an error tells, and that each says who may do something about it."""

import pytest

from batuta import errors

EVERY_ERROR = [
    thing
    for thing in vars(errors).values()
    if isinstance(thing, type) and issubclass(thing, errors.BatutaError)
]


def test_an_error_shows_its_hint_on_a_line_of_its_own():
    error = errors.NotFoundError("there is no run 'r1'", hint="list the runs there are")

    assert str(error) == "there is no run 'r1'\n  hint: list the runs there are"


def test_an_error_without_a_hint_is_its_message():
    assert str(errors.UnavailableError("the disk is full")) == "the disk is full"


def test_a_refused_document_holds_every_reason():
    error = errors.DefinitionError("2 problems", ("first", "second"), hint="mend both")

    assert error.problems == ("first", "second")
    assert error.hint == "mend both"


def test_a_refused_expression_says_where():
    assert errors.ExpressionSyntaxError("unexpected )", 7).offset == 7


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: error.__name__)
def test_every_error_has_a_code_of_its_own(error):
    assert [one for one in EVERY_ERROR if one.code == error.code] == [error]
