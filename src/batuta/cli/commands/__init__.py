"""One module per command group; each is imported when its command is called."""
