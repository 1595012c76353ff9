"""Dashboards, reports and thresholds: the words; the numbers live in the top-level analytics package."""
