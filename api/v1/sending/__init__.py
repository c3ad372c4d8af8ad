"""Requests sent on to workflows, and what their answers come to."""
