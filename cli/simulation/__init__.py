"""A tenant whose customers live for a year in a minute, and the audit of what came of it."""
