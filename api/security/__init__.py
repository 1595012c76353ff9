"""Routes of tenants, API keys and audit."""
