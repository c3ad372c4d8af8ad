"""For each kind of mail, what the ledger says it must say. A kind without a checker fails."""

from collections.abc import Callable
from typing import Any

from tests.truth import about_invoices, about_money, about_plans
from tests.truth.books import Books
from tests.truth.reading import Read, figures
from tests.truth.truth import Truth

Checker = Callable[[Truth, Read, dict[str, Any]], None]


def check(books: Books, read: Read, payload: dict[str, Any]) -> None:
    """Compare a mail with the ledger; `payload` only tells names, never figures."""
    assert read.kind in CHECKERS, f"no checker knows a mail of kind {read.kind!r}"
    truth = Truth(books)
    CHECKERS[read.kind](truth, read, payload)
    about = f"{read.kind} {read.key}\n{read.text}"
    assert sorted(read.rows) == sorted(truth.rows), (
        f"{sorted(read.rows)}\nand by the ledger\n{sorted(truth.rows)}\n{about}"
    )
    for phrase in truth.phrases:
        assert phrase in read.prose or phrase in read.subject, f"missing: {phrase}\n{about}"
    for phrase in truth.never:
        assert phrase not in read.prose, f"untrue: {phrase}\n{about}"
    _no_figure_is_unexplained(truth, read, payload, about)
    _both_parts_say_the_same(truth, read, about)


def _no_figure_is_unexplained(
    truth: Truth, read: Read, payload: dict[str, Any], about: str
) -> None:
    reader = payload["reader"]
    names = " ".join((reader["plan_name"], reader["customer_name"], reader["product_name"]))
    known = figures(" ".join((*truth.phrases, *map(" ".join, truth.rows), names)))
    left = {one for one in figures(f"{read.prose} {read.subject}") if one not in known}
    assert not left, f"nothing in the ledger explains {left}\n{about}"


def _both_parts_say_the_same(truth: Truth, read: Read, about: str) -> None:
    for label, value in truth.rows:
        assert value in read.html, f"the HTML lacks {label}: {value}\n{about}"
    for phrase in truth.never:
        assert phrase not in read.html, about
    extra = figures(read.html) - figures(f"{read.text} {read.subject}")
    assert not extra, f"only the HTML says {extra}\n{about}"


CHECKERS: dict[str, Checker] = {
    "welcome": about_plans.welcome,
    "receipt": about_money.receipt,
    "invoice_copy": about_money.invoice_copy,
    "invoice_due": about_invoices.invoice_due,
    "payment_failed": about_money.payment_failed,
    "on_its_way": about_money.on_its_way,
    "looked_into": about_money.looked_into,
    "paused": about_money.paused,
    "resumed": about_money.resumed,
    "cap_reached": about_money.cap_reached,
    "low_balance": about_plans.low_balance,
    "credits_expiring": about_plans.credits_expiring,
    "bonus_given": about_plans.bonus_given,
    "plan_changed": about_plans.plan_changed,
    "downgrade_scheduled": about_plans.downgrade_scheduled,
    "canceled": about_plans.canceled,
    "uncanceled": about_plans.uncanceled,
    "refunded": about_money.refunded,
    "disputed": about_money.disputed,
    "approval_asked": about_plans.approval_asked,
    "approval_decided": about_plans.approval_decided,
}
