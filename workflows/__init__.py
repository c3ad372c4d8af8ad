"""Durable processes: the subscription, the processor's events, the outbox."""
