"""Everything a subscription can be told: one module per theme, each with its messages."""
