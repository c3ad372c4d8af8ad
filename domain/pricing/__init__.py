"""What is sold, and what usage, purchases and plan changes cost."""
