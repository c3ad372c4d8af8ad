"""Promotion codes, as the processor keeps them."""
