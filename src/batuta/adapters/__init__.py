"""One folder per technology; adapters do not know each other."""
