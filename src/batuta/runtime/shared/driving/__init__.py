"""Driving runs over one store: what the conductor and the participant have in common."""
