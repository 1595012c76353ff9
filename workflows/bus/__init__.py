"""Durable readers of the event bus."""
