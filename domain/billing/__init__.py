"""Plans, subscriptions, invoices and payments."""
