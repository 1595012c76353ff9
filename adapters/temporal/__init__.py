"""Temporal: plugin, codec, starter."""
