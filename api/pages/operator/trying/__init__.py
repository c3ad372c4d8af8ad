"""Trying a price: a draft of a price list is lived in the toolbox, and nothing is published."""
