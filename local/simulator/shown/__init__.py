"""The figures of simulated months as people see them: words, tables, pictures, a page."""
