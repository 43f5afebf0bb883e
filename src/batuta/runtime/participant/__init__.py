"""Choreographed runs: one participant, driving its parts of them."""
