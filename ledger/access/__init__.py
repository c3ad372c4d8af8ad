"""Who may come in by a page: links that open a console."""
