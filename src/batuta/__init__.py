"""One definition of an integration, run by a conductor or by events: the same file, the same result."""
