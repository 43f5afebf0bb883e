"""What each kind of task does between being entered and being left: one file per kind."""
