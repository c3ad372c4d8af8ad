"""Thresholds, notices and the outbox."""
