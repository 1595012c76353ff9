"""Dashboards in PostgreSQL, events in the lake."""
