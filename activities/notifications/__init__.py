"""Mails, alerts and the outbox that delivers them."""
