"""Endpoints that are messages of a subscription, a module each theme."""
