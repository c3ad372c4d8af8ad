"""The door in front of the shared fleet."""

from tests.doors import (  # noqa: F401 - fixtures by their names
    bearing,
    beginning,
    door,
    door_url,
    door_variables,
    post,
)
