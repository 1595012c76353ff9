"""The gateway's adapters."""
