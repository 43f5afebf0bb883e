"""What @function says and refuses, and what it leaves of the function."""

import pytest

from batuta.adapters.callers.functions import Declaration, function
from batuta.adapters.callers.functions.declare import declaration_of, precedence
from batuta.errors import RequestError


def test_the_decorator_works_with_and_without_parentheses():
    @function
    def bare(): ...

    @function()
    def empty(): ...

    @function(name="charge", version="2.1.0", inline=True)
    async def full(): ...

    assert declaration_of(bare) == Declaration("bare")
    assert declaration_of(empty) == Declaration("empty")
    assert declaration_of(full) == Declaration("charge", "2.1.0", inline=True)


def test_a_decorated_function_is_still_called_as_before():
    @function
    def double(x):
        return 2 * x

    assert double(4) == 8


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "with space"},
        {"name": "1st"},
        {"name": "http"},
        {"name": "grpc"},
        {"version": "1.0"},
        {"version": "latest"},
    ],
)
def test_a_name_or_version_that_no_workflow_could_write_is_refused(settings):
    with pytest.raises(RequestError) as refused:
        function(**settings)(lambda: None)
    assert refused.value.hint


@pytest.mark.parametrize("thing", [3, str])
def test_decorating_what_is_no_function_is_refused(thing):
    with pytest.raises(RequestError, match="not a function"):
        function(thing)


def test_versions_sort_by_number_and_prereleases_before_their_release():
    versions = ["1.10.0", "1.9.0", "2.0.0-beta", "2.0.0"]
    assert sorted(versions, key=precedence) == ["1.9.0", "1.10.0", "2.0.0-beta", "2.0.0"]
