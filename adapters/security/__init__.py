"""Tenants, keys and the audit trail in PostgreSQL."""
