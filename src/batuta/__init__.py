"""One definition of an integration, run by a conductor or by events, with the same result."""
