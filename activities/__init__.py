"""One durable step each: I/O through ports, idempotent."""
