"""How each report is laid out."""
