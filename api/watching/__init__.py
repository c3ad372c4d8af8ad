"""Balances that people watch, for as long as the process runs."""
