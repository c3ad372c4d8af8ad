"""Every reason that code can give has a cure, and the contract shows every one of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain import reasons
from domain.reasons import CURES

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("domain", "catalogs", "ledger", "gateways", "activities", "workflows", "nexus")
    for path in sorted((ROOT / folder).rglob("*.py"))
] + [ROOT / "worker.py"]
SQL = [
    *sorted((ROOT / "ledger/sql").glob("*.sql")),
    *sorted((ROOT / "migrations/sql").glob("*/*.sql")),
]
SQL.remove(ROOT / "ledger/sql/row_laws.sql")  # names constraints, answers nobody

# Where a call takes its reason: the position of the argument.
REASON_AT = {
    "InvalidInput": 0,
    "ProcessorRefusal": 0,
    "BillingError": 0,
    "rejection": 1,
    "refused": 0,
    "refuse": 2,
    "text": 2,
    "identifier": 1,
    "Purchase": 0,
    "OpenedUpgrade": 0,
    "DebitOutcome": 1,
    "HoldOutcome": 1,
    "CardInUse": 3,
}
# What is answered and is not a refusal.
OUTCOMES = {
    *("held", "captured", "extended", "released", "lapsed"),
    "stale_plan",  # asked again by the plan in force: no sender sees it
    "credits_owed",  # why credits wait for their money: what was bought is answered as `processing`
    *(
        "debited",
        "repeated",
        "granted",
        "opened",
        "redeemed",
        "open",
        "taxed",
        "processing",
        "received",
        "paid",
        "void",
        "declined",
        "done",
    ),
    *(
        "reserved",
        "expired",
        "used",
        "infinity",
        "zero",
        "crossing",
        "active",
        *("refunds", "opening", "deferred_revenue", "receivable"),  # books
        *("refund", "chargeback"),  # kinds of entries
        *("refunded", "noted", "asked", "made", "failed", "lost", "won"),
        *("already_unlocked", "fits", "block", "short"),
    ),
    *("waiting", "lapsed", "removed", "decidable"),
    "invoice_taken",  # of found money: operators read it in a finding's words
}
ROW = re.compile(r"^\| (`.+`) \| (.+) \|$", re.MULTILINE)
STATUS = re.compile(
    r"(?:RETURN|THEN|ELSE|status :=|\(CASE|RETURN \()\s*\(?'([a-z_]+(?::[a-z_]+)?)'"
)


def given(path: Path) -> Iterator[str]:
    """Yield every reason that a module writes down."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield from _in_call(node)
        elif isinstance(node, ast.FunctionDef):
            yield from _answers(node)
        elif isinstance(node, ast.Assign) and path.parent.name in (
            "activities",
            "workflows",
            "nexus",
        ):
            yield from _in_table(node)


def _in_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    place = REASON_AT.get(name)
    if place is not None and len(node.args) > place:
        yield from _literals(node.args[place])
    for keyword in node.keywords:
        if keyword.arg == "refused" or (keyword.arg == "type" and name == "ApplicationError"):
            yield from _literals(keyword.value)


def _answers(node: ast.FunctionDef) -> Iterator[str]:
    """Yield what an activity, or a function that says why, answers with in place of an object."""
    says_why = (ast.get_docstring(node) or "").startswith("Return why")
    if says_why or any("uninterrupted" in ast.unparse(one) for one in node.decorator_list):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Return):  # a sentence is for people, not a reason
                yield from (one for one in _literals(inner.value) if " " not in one)


def _in_table(node: ast.Assign) -> Iterator[str]:
    named = any("REFUSALS" in getattr(target, "id", "") for target in node.targets)
    if named and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from _literals(value)


def _literals(node: ast.expr | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reason_that_python_gives_has_a_cure(path):
    assert set(given(path)) - set(CURES) - OUTCOMES == set()


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.name)
def test_every_status_that_the_ledger_answers_has_a_cure(path):
    assert set(STATUS.findall(path.read_text())) - set(CURES) - OUTCOMES == set()


def test_the_search_for_reasons_finds_them():
    python = {reason for path in SOURCES for reason in given(path)}
    sql = {status for path in SQL for status in STATUS.findall(path.read_text())}

    assert {"no_rate", "missing_field", "not_in_plan", "already_paused", "same_plan"} <= python
    assert {"event_in_future", "unknown_catalog", "outside_period", "bad_signature"} <= python
    assert {"cap_reached", "renewal_pending", "period_closed", "idempotency_conflict"} <= sql
    assert {"no_payment_method", "wrong_amount", "unknown_customer", "invalid_key"} <= sql


def test_the_contract_shows_every_reason_with_its_cure():
    page = (ROOT / "docs" / "contract" / "reasons.md").read_text(encoding="utf-8")
    table = page.split("## Reasons")[1]

    shown = {
        reason.strip("`"): cure
        for names, cure in ROW.findall(table)
        for reason in names.split(", ")
    }

    assert shown == CURES


def test_no_reason_stands_in_two_groups_and_each_says_what_to_do():
    groups = (reasons.MESSAGES, reasons.START, reasons.NAMES, reasons.WALLET, reasons.CHANGES)
    groups += (reasons.REFUNDS, reasons.TEAMS)

    assert sum(map(len, (*groups, reasons.OPERATORS))) == len(CURES)
    assert all(len(cure) >= len("add a card") for cure in CURES.values())
