"""The proof at the end of the demo: every law of the ledger, checked against the outside."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, TextClause, text

from domain.credits import format_credits
from gateways.letter_formats import Formats
from ledger import balances
from local.demo.pages import shown
from local.demo.scene import Scene
from local.demo.telling import Story

_REPLAY = text("""
    SELECT count(*) FROM (
        SELECT g.account_id, g.grant_id FROM grants g
        LEFT JOIN entries e ON e.account_id = g.account_id AND e.grant_id = g.grant_id
        GROUP BY g.account_id, g.grant_id, g.remaining
        HAVING g.remaining <> coalesce(sum(e.change), 0)) wrong
""")
_CONSERVED = text("""
    SELECT count(*) FROM (
        SELECT g.account_id, g.grant_id FROM grants g
        LEFT JOIN entries e ON e.account_id = g.account_id AND e.grant_id = g.grant_id
                           AND e.kind IN ('debit', 'capture', 'correction', 'repayment')
        GROUP BY g.account_id, g.grant_id
        HAVING g.granted <> coalesce(-sum(e.change), 0) + g.expired + g.voided + g.refunded
                            + g.rolled + g.unrolled + g.remaining) wrong
""")
_SUMS = text("""
    SELECT count(*) FROM (SELECT FROM postings GROUP BY account_id, transfer_id, currency
                          HAVING sum(amount_minor) <> 0) wrong
""")
_BELOW = text("SELECT count(*) FROM grants WHERE remaining < 0 OR held < 0 OR held > remaining")
_FUNDED = text("""
    SELECT count(*) FROM (
        SELECT c.charge_id FROM charges c
        LEFT JOIN grants g ON g.account_id = c.account_id AND g.charge_id = c.charge_id
        WHERE c.state = 'paid' GROUP BY c.account_id, c.charge_id, c.amount_minor
        HAVING sum(g.cost_minor - g.rolled_minor) IS DISTINCT FROM c.amount_minor) wrong
""")
_TWICE = text("""
    SELECT count(*) FROM (SELECT FROM entries WHERE key IS NOT NULL GROUP BY account_id, key
                          HAVING count(*) > 1) wrong
""")
_USED = text("""
    SELECT credit_type, -sum(change) FROM entries WHERE account_id = :account
    AND kind IN ('debit', 'capture') GROUP BY credit_type HAVING sum(change) <> 0
""")
_NOW = text("SELECT decided_at FROM wallets WHERE account_id = :account")

EVERY_CREDIT = "granted = used + expired + voided + refunded + rolled over + remaining"


@dataclass(frozen=True)
class Claim:
    """One law and the exceptions found."""

    law: str
    found: str
    holds: bool


def claims(scene: Scene, stories: list[Story]) -> list[Claim]:
    """Check everything; a claim that does not hold fails the demo."""
    with scene.engine.connect() as connection:
        found = [
            _none(
                connection,
                EVERY_CREDIT,
                _CONSERVED,
            ),
            _none(connection, "every transfer of money sums to zero", _SUMS),
            _none(connection, "no grant is below zero", _BELOW),
            _none(connection, "every paid charge funds exactly its grants", _FUNDED),
            _none(connection, "replaying the journal gives the same balances", _REPLAY),
            _none(connection, "no key was booked twice", _TWICE),
        ]
        broken = balances.violations(connection)
        found.append(Claim("the violations view is empty", str(broken or "empty"), not broken))
        cash = balances.books(connection).get("cash", 0)
        paid = scene.paid_at_processor()
        found.append(
            Claim("the processor's total is the ledger's cash", f"{paid} = {cash}", paid == cash)
        )
        for story in stories:
            found += _of_story(scene, connection, story)
    return found


def _of_story(scene: Scene, connection: Connection, story: Story) -> list[Claim]:
    account = scene.account_of(story.customer_id)
    invoices = next(
        one["paid"]
        for one in scene.stack.standin.get("/_ledger")["customers"].values()
        if one["customer_id"] == story.customer_id
    )
    paid = tuple(invoice["amount_minor"] for invoice in invoices)
    used = {row[0]: int(row[1]) for row in connection.execute(_USED, {"account": account})}
    at = connection.scalar(_NOW, {"account": account})
    left = {
        one.credit_type: one.available_micro
        for one in balances.balances_as_of(connection, account, at or datetime.now(UTC))
        if one.credit_type in story.left
    }
    who = story.customer_id[0].upper()
    return [
        Claim(
            f"{who}: what was sent is what was used",
            f"{_amounts(story.used)} = {_amounts(used)}",
            used == {name: micro for name, micro in story.used.items() if micro},
        ),
        Claim(f"{who}: charged exactly what the rules say", _money(paid), paid == story.paid_minor),
        Claim(f"{who}: what is left is what must be left", _amounts(left), left == story.left),
        _of_page(who, story, shown(scene, story.customer_id)),
    ]


def _of_page(who: str, story: Story, figures: list[str]) -> Claim:
    """Check what the customer's own page shows in its first place."""
    formats = Formats.of("en_US", "UTC")
    wanted = [formats.number(micro) for micro in story.left.values()]
    told = "the customer's page shows it"
    return Claim(f"{who}: {told}", " + ".join(figures), Counter(wanted) <= Counter(figures))


def _amounts(by_type: Mapping[str, int]) -> str:
    return " + ".join(format_credits(micro) for _, micro in sorted(by_type.items()))


def _none(connection: Connection, law: str, query: TextClause) -> Claim:
    wrong = int(connection.scalar(query) or 0)
    return Claim(law, f"{wrong} exception{'' if wrong == 1 else 's'}", wrong == 0)


def _money(amounts: tuple[int, ...]) -> str:
    charges = "1 charge" if len(amounts) == 1 else f"{len(amounts)} charges"
    return f"${sum(amounts) // 100}.{sum(amounts) % 100:02d} in {charges}"
