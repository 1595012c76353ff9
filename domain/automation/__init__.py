"""Customers' automations, approvals and onboardings (the report's workflow module)."""
