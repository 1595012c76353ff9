"""Processes of the security module."""
