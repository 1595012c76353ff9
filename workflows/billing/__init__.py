"""Processes of the billing module."""
