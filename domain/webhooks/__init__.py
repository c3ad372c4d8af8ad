"""Webhooks: what can be told, whom, and when an attempt is made again."""
