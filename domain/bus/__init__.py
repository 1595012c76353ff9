"""The event bus: envelope, catalogue, subscriptions, parking."""
