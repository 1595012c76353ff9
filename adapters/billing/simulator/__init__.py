"""Payment providers to try everything with: they speak Stripe's wire format, remember what they are told, and fail."""
