"""PURE: what a workflow means: program, token, step; one file per kind of task."""
