"""Tenants, keys, identities and the audit trail."""
