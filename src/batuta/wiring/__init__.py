"""Settings, and the only place that names concrete adapters."""
