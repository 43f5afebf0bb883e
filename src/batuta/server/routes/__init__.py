"""The routes, one file per subject: each takes a request apart and asks a use case."""
