"""One customer as operators see it: what happened, what stands, and what can be done."""
