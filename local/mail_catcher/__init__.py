"""A mail server that delivers nothing: it stores every mail in a folder and shows it."""
