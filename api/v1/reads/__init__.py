"""Reads of one customer through the door; the endpoints that only tell."""
