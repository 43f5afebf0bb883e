"""A NATS server for the tests of participants: the one that buses are tested with."""

from ..adapters.buses.conftest import nats_server  # noqa: TID252 -- test folders have no names

__all__ = ["nats_server"]
