"""jq: the bounded native compiler, and the sandbox for everything else."""
