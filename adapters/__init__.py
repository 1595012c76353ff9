"""How we reach the world: PostgreSQL, Temporal, SMTP, the lake, telemetry."""
