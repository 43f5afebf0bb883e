"""What happened: timelines from journals and from what participants tell."""
