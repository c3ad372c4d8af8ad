"""Charges of one subscription, from the invoice to what was settled."""
