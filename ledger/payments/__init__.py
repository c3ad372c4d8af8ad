"""Charges, refunds, and what the ledger knows of the processor."""
