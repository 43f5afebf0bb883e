"""The shapes of answers and bodies, one file per subject; `base` says what they are for."""
