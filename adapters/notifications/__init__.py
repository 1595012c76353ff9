"""Deliveries in PostgreSQL, mail over SMTP, the embedded mail catcher."""
