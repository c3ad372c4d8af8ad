"""What a node of YAML says. Numbers are their spelling, never YAML's floats."""

import yaml

from domain.errors import InvalidInput


def line_of(node: yaml.Node) -> int:
    """Return the line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def text_of(node: yaml.Node) -> str:
    """Return the spelling of a single value, looking through one that is marked as assumed.

    Raises `InvalidInput` (`invalid_value`) for what is not one value.
    """
    if isinstance(node, yaml.MappingNode):
        inner = {str(key.value): value for key, value in node.value}
        if set(inner) == {"value", "assumed"} and inner["assumed"].value == "true":
            node = inner["value"]
    if not isinstance(node, yaml.ScalarNode):
        raise InvalidInput("invalid_value", "must be one value, or {value: ..., assumed: true}")
    return str(node.value)


def parts_of(node: yaml.Node) -> dict[str, yaml.Node]:
    """Return the values of a mapping by their keys; nothing of one value, assumed or not."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    found = {str(key.value): value for key, value in node.value}
    return {} if "value" in found else found


def items_of(node: yaml.Node) -> list[yaml.Node]:
    """Return the items of a list. Raises `InvalidInput` (`invalid_value`) for what is none."""
    if not isinstance(node, yaml.SequenceNode):
        raise InvalidInput("invalid_value", "must be a list")
    return list(node.value)
