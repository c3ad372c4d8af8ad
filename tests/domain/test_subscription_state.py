"""The workflow's memory changes only through methods that say what happened."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from domain.subscription import NOBODY, Stage
from domain.subscription_state import SubscriptionState

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {field.name for field in fields(SubscriptionState)}
MODULES = [path for folder in ("activities", "workflows") for path in (ROOT / folder).rglob("*.py")]


def assigned(path: Path) -> Iterator[str]:
    """Yield where a module assigns to a field of somebody's `state`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Store):
            continue
        owner = (
            node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
        )
        if owner.lstrip("_") in ("state", "restored") and node.attr in FIELDS:
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.attr}"


def test_nobody_but_the_state_itself_assigns_its_fields() -> None:
    assert [place for path in MODULES for place in assigned(path)] == []


@pytest.mark.parametrize(
    ("changed", "stage"),
    [
        ({}, Stage.UNBEGUN),
        ({"account_id": 1}, Stage.UNPAID),
        ({"account_id": 1, "lapsed": True}, Stage.LAPSED),
        ({"account_id": 1, "lapsed": True, "ends_now": True}, Stage.ENDING),
        ({"ends_now": True}, Stage.ENDING),
        ({"account_id": 1, "ends_now": True, "ended": True}, Stage.ENDED),
    ],
)
def test_a_stage_is_one_value(changed, stage):
    assert SubscriptionState(NOBODY, **changed).stage is stage
