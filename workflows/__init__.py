"""Durable processes: subscriptions, approvals, the processor's events, the outbox."""
