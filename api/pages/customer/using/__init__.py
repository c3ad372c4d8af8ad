"""What was used, what it brought, and who is told when little is left."""
