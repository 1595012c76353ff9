"""Routes of dashboards and the lake."""
