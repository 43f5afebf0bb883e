"""The orchestrated control model: one process directs every step of its runs."""
