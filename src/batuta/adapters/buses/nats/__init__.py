"""The bus between machines: a stream of NATS JetStream."""

from batuta.adapters.buses.nats.bus import NatsBus as NatsBus
from batuta.adapters.buses.nats.settings import NatsSettings as NatsSettings

__all__ = ["NatsBus", "NatsSettings"]
