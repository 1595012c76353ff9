"""Onboardings in PostgreSQL."""
