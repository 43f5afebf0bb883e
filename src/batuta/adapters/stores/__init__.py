"""Where runs are kept: sqlite."""
