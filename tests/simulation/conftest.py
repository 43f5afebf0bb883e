"""Silence: what dies in a simulation has much to say."""

import logging

import pytest


@pytest.fixture(autouse=True)
def quiet():
    """Processes that are killed have much to say; it would only cost time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
