"""How events travel: within one machine by SQLite, between machines by NATS JetStream."""
