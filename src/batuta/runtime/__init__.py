"""Drives the kernel through ports; all concurrency lives here."""
