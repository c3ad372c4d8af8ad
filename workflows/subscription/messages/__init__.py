"""What a subscription can be told: one module a theme, each with its list of messages."""
