"""Shared documents, participants and comments."""
