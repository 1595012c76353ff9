"""Geometry, tiles and geocoding."""
