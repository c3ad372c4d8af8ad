"""Fixtures of tests that run commands."""

from tests.workflows.commanding import run  # noqa: F401 - a fixture by its name
