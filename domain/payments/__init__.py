"""Charges, the payment processor's answers, and what becomes of a charge."""
