"""The eight standard errors are the same errors under every address that is in use."""

from __future__ import annotations

import pytest

from batuta.definition import error_types
from batuta.definition.error_types import BASE, STATUSES, canonical_error_type


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.parametrize(
    "base",
    [
        BASE,
        "http://serverlessworkflow.io/spec/1.0.0/errors/",
        "https://serverlessworkflow.io/spec/1.0.3/errors/",
        "https://serverlessworkflow.io/dsl/errors/types/",
        "https://serverlessworkflow.io/errors/types/",
        "https://serverlessworkflow.io/errors/",
        "https://serverlessworkflow.io.io/dsl/errors/types/",
        "https://https://serverlessworkflow.io/spec/1.0.0/errors/",
        "https://open-workflow-specification.org/spec/1.0.0/errors/",
        "https://open-workflow-specification.org/dsl/errors/types/",
    ],
)
def test_a_standard_error_has_one_type(base, name):
    assert canonical_error_type(base + name) == BASE + name


@pytest.mark.parametrize(
    "uri",
    [
        "https://serverlessworkflow.io/errors/not-implemented",
        "https://serverlessworkflow.io/errors/types/compliance",
        "https://example.com/spec/1.0.0/errors/timeout",
        "https://serverlessworkflow.io/spec/1.0.0/errors/timeouts",
        "https://serverlessworkflow.io/spec/1.0.0/errors/",
        "timeout",
        "",
    ],
)
def test_any_other_type_stays_as_it_is(uri):
    assert canonical_error_type(uri) == uri


def test_every_standard_error_has_a_constant():
    constants = {getattr(error_types, name.upper()) for name in STATUSES}
    assert constants == {BASE + name for name in STATUSES}
