"""The commands of cli.py, a module for each theme."""
