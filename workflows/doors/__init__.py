"""What a subscription can be told: the handlers of its messages, one module for each theme."""
