"""What was used, and what it brought."""
