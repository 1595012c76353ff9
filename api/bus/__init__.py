"""Routes of event bus."""
