"""What all tests share, those of the client too.

Each module is a plug-in, loaded once: a fixture that two conftests import is two, each with
servers of its own.
"""

pytest_plugins = (
    "tests.closing",
    "tests.grouping",
    "tests.loops",
    "tests.servers",
    "tests.running",
    "tests.doors",
    "tests.api.process",
)
