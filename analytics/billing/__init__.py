"""Billing's numbers."""
