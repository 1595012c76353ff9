"""Routes of plans and subscriptions."""
