"""Stripe's published OpenAPI description, cut down to what we use, and a checker of messages."""
