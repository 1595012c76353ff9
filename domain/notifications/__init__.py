"""Messages to people, alerts and incidents."""
