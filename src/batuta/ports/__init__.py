"""Protocols with written contracts: what the runtime needs of the world."""
