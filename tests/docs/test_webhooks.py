"""The page of webhooks has one example of each type; a story compares them with what is sent."""

import json
import re
from pathlib import Path

from domain.webhooks.events import TYPES
from domain.webhooks.requests import ORDER

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
EXAMPLE = re.compile(r"^### (\S+)\n.*?^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_type_has_one_example_under_its_name():
    found = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    examples = {name: json.loads(text) for name, text in found}

    assert [name for name, _ in found] == list(TYPES)
    for name, example in examples.items():
        assert example["type"] == name
        assert tuple(example) == ("id", *ORDER)
