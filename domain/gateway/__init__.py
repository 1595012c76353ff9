"""Requests at the edge: limits, breakers and upstreams."""
