"""Processes that no single module owns."""
