"""What happened: run views built from the journal."""
