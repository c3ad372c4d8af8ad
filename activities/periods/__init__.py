"""Periods: how a subscription begins, renews and is recovered."""
