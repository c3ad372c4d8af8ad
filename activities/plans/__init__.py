"""Plan changes, operators' pauses and adjustments, and what a customer may still do."""
