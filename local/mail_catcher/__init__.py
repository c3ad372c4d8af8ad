"""A mail server that delivers to nobody: it keeps every mail in a folder and shows it."""
