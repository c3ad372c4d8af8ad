"""The proof at the end of the demo: every law of the ledger, checked against the outside."""

from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from domain.credits import format_credits
from ledger import balances
from local.demo.customers import Story
from local.demo.scene import Scene

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
                           AND e.kind = 'debit'
        GROUP BY g.account_id, g.grant_id, g.granted, g.expired, g.voided, g.remaining
        HAVING g.granted <> coalesce(-sum(e.change), 0) + g.expired + g.voided + g.remaining) wrong
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
        HAVING sum(g.cost_minor) IS DISTINCT FROM c.amount_minor) wrong
""")
_TWICE = text("""
    SELECT count(*) FROM (SELECT FROM entries WHERE key IS NOT NULL GROUP BY account_id, key
                          HAVING count(*) > 1) wrong
""")
_USED = text("""
    SELECT coalesce(-sum(change), 0) FROM entries WHERE account_id = :account AND kind = 'debit'
""")


@dataclass(frozen=True)
class Claim:
    """One law and what was found."""

    law: str
    found: str
    holds: bool


def claims(scene: Scene, stories: list[Story]) -> list[Claim]:
    """Check everything; a claim that does not hold fails the demo."""
    with scene.engine.connect() as connection:
        found = [
            _none(connection, "granted = used + expired + voided + remaining", _CONSERVED),
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
    used = int(connection.scalar(_USED, {"account": account}) or 0)
    invoices = next(
        one["paid"]
        for one in scene.stack.standin.get("/_ledger")["customers"].values()
        if one["customer_id"] == story.customer_id
    )
    paid = tuple(invoice["amount_minor"] for invoice in invoices)
    left = connection.scalar(
        text(
            "SELECT available_after FROM entries WHERE account_id = :account ORDER BY seq DESC"
            " LIMIT 1"
        ),
        {"account": account},
    )
    who = story.customer_id[0].upper()
    return [
        Claim(
            f"{who}: the trace's total is what was used",
            f"{format_credits(story.used_micro)} = {format_credits(used)}",
            used == story.used_micro,
        ),
        Claim(f"{who}: charged exactly what the rules say", _money(paid), paid == story.paid_minor),
        Claim(
            f"{who}: what is left is what must be left",
            format_credits(int(left or 0)),
            left == story.available_micro,
        ),
    ]


def _none(connection: Connection, law: str, query: TextClause) -> Claim:
    wrong = int(connection.scalar(query) or 0)
    return Claim(law, "0 exceptions" if not wrong else f"{wrong} exceptions", wrong == 0)


def _money(amounts: tuple[int, ...]) -> str:
    return f"${sum(amounts) // 100}.{sum(amounts) % 100:02d} in {len(amounts)} charges"
