"""Use cases: deploy, start, publish, cancel, retry, inspect."""
