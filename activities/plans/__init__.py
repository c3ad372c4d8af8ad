"""Changes of plan, and what a customer may still do."""
