"""Charges, what a payment processor can answer, and what becomes of a charge."""
