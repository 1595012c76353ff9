"""The event bus on PostgreSQL and on NATS JetStream."""
