"""One instant of the database for all the statements of a read, and whose it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from domain.errors import InvalidInput


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a read-only connection on which every statement sees the same instant.

    It ends with a commit: after a rollback the driver forgets what it has prepared, and the
    database would plan every statement of every read again.
    """
    with engine.connect() as connection:
        reading = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        yield reading
        reading.commit()


def account_of(connection: Connection, customer_id: str, catalog: str | None) -> int:
    """Return a customer's account, of one seller's catalog or (None) of any.

    Raises `InvalidInput` (`unknown_customer`), also for another seller's.
    """
    account: int | None = connection.scalar(
        text("""
            SELECT c.account_id FROM customers c
            LEFT JOIN LATERAL (
                SELECT s.plan ->> 'catalog' AS catalog FROM subscriptions s
                WHERE s.account_id = c.account_id
                ORDER BY s.status = 'ended', s.recorded_at DESC LIMIT 1) o ON true
            WHERE c.customer_id = :customer
              AND (CAST(:catalog AS text) IS NULL OR o.catalog = :catalog)
        """),
        {"customer": customer_id, "catalog": catalog},
    )
    if account is None:
        raise InvalidInput("unknown_customer", f"there is no customer {customer_id!a:.80}")
    return account
