"""Compressed artefacts and the cache in front of them."""
