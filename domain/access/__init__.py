"""Who may come in by a page: what is sealed for a browser."""
