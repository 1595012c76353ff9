"""Drawings, shapes and their exports."""
