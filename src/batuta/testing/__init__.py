"""Shipped for users too: virtual time, stubs, conformance suites."""
