"""Laws of balances that are brought along, for the battery: each notices a seeded fault."""

# ruff: noqa: E501 - one mutant a line

from sqlalchemy import func, select

from ledger import balances, grants
from tests.builders import MONTH_END, NOON, a_subscribed_wallet, left, micro, use
from tests.ledger.importing import a_customer, a_row, bring, charge_of
from tests.ledger.returns import refund
from tests.ledger.undone import undone


def what_is_brought_along_is_owed_and_earned_like_what_was_bought(engine, _):
    with undone(engine) as connection:
        wallet = a_customer(connection)
        bring(connection, a_row(wallet, expires_at=MONTH_END))
        books = balances.books(connection, wallet.account_id)
        assert books == {"opening": 4_500, "deferred_revenue": -4_500}
        assert use(connection, wallet, 400).status == "debited"
        assert grants.expire_due(connection, wallet.account_id, MONTH_END) == micro(600)
        books = balances.books(connection, wallet.account_id)
        assert (books["revenue"], books["breakage"]) == (-1_800, -2_700)
        assert books["opening"] == 4_500
        assert balances.violations(connection) == []


def what_was_paid_elsewhere_goes_back_there(engine, _):
    with undone(engine) as connection:
        wallet = a_customer(connection)
        bring(connection, a_row(wallet))
        use(connection, wallet, 400)
        charge = charge_of(wallet)
        assert refund(connection, wallet, charge, 2_701).status == "above_refundable"
        assert refund(connection, wallet, charge).status == "refunded"
        assert left(connection, wallet) == 0
        books = balances.books(connection, wallet.account_id)
        assert (books["opening"], books.get("refunds", 0), books.get("cash", 0)) == (1_800, 0, 0)
        assert balances.violations(connection) == []


def an_import_is_booked_once_and_its_content_compared(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, allowance=0)

        def booked(amount, quantity=5):
            call = func.book_import(
                wallet.account_id, wallet.subscription_id, "i", "USD", amount, quantity, NOON
            )
            return connection.scalar(select(call))

        assert [booked(7), booked(7), booked(8), booked(7, 6)] == [
            "paid",
            "repeated",
            "idempotency_conflict",
            "idempotency_conflict",
        ]
        assert balances.books(connection, wallet.account_id)["opening"] == 7


IMPORT_LAWS = (
    what_is_brought_along_is_owed_and_earned_like_what_was_bought,
    what_was_paid_elsewhere_goes_back_there,
    an_import_is_booked_once_and_its_content_compared,
)
IMPORT_FAULTS = (
    ("an import is cash", "book_import", r"ARRAY\['opening',", "ARRAY['cash',"),
    ("an import's content is not compared", "book_import", r"ELSE 'idempotency_conflict'", "ELSE 'repeated'"),
    ("an import is refunded from our cash", "returns_book", r"WHEN 'import' THEN 'opening'", "WHEN 'import' THEN 'refunds'"),
)  # fmt: skip
