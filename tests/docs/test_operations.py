"""Operators find every event to subscribe to, and the cure of everything that is found."""

import re
from pathlib import Path

from domain.payments.findings import FindingKind
from domain.payments.processor_states import Remark
from workflows.stripe_event import HANDLED

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def names_in(head: str) -> list[str]:
    """Return the names in the first column of the table with this head."""
    _, found, rest = PAGE.partition(f"| {head} |\n")
    assert found, head
    rows = re.match(r"\|[ -|]+\|\n((?:\|.*\|\n)+)", rest)
    assert rows is not None, head
    return re.findall(r"^\| `([\w.]+)` \| .+ \|$", rows[1], re.MULTILINE)


def test_the_endpoint_is_subscribed_to_every_event_that_is_handled() -> None:
    assert sorted(names_in("event | what it makes Drawdown do")) == sorted(HANDLED)


def test_every_kind_of_finding_has_its_cure() -> None:
    assert sorted(names_in("kind | what to do")) == sorted(FindingKind)


def test_every_remark_has_its_cure() -> None:
    assert sorted(names_in("remark | what to do")) == sorted(Remark)
