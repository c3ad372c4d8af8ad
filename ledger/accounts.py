"""Customers and their wallets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.errors import InvalidInput
from domain.subscription import Pause
from domain.usage import RefusedEvent
from models.tables import AllowanceWindow, Customer, PauseRow, Refusal, Wallet


@dataclass(frozen=True, slots=True)
class CustomerDetails:
    """A customer's name and addresses; `payer` is the processor's id once known."""

    customer_id: str
    name: str
    email: str
    locale: str
    time_zone: str
    payer: str | None = None
    finance_email: str | None = None  # where receipts go beside `email`
    payment_method: str | None = None  # the card that is charged, by the processor's id


def open_wallet(connection: Connection, customer: CustomerDetails, currency: str) -> int:
    """Create the customer and its wallet unless they exist; return the account key."""
    statement = select(
        func.open_wallet(
            customer.customer_id,
            customer.name,
            customer.email,
            customer.locale,
            customer.time_zone,
            currency,
        )
    )
    return int(connection.scalar(statement) or 0)


def describe(connection: Connection, customer: CustomerDetails) -> None:
    """Update a customer's name and mail address, under the wallet's lock."""
    connection.execute(
        update(Customer)
        .where(Customer.customer_id == customer.customer_id)
        .values(
            name=customer.name,
            email=customer.email,
            locale=customer.locale,
            time_zone=customer.time_zone,
        )
    )


def account_of(connection: Connection, customer_id: str) -> int:
    """Return the account key. Raises `InvalidInput` (`unknown_customer`)."""
    account = connection.scalar(
        select(Customer.account_id).where(Customer.customer_id == customer_id)
    )
    if account is None:
        raise InvalidInput("unknown_customer", f"there is no customer {customer_id!r}")
    return account


def details_of(connection: Connection, account_id: int) -> CustomerDetails:
    """Return the customer that owns an account."""
    row = connection.execute(
        select(
            Customer.customer_id,
            Customer.name,
            Customer.email,
            Customer.locale,
            Customer.time_zone,
            Customer.payer,
            Customer.finance_email,
            Customer.payment_method,
        ).where(Customer.account_id == account_id)
    ).one()
    return CustomerDetails(*row)


def customer_of_payer(connection: Connection, payer: str) -> str | None:
    """Return the customer with this processor id."""
    return connection.scalar(select(Customer.customer_id).where(Customer.payer == payer))


def customer_of_card(connection: Connection, method: str) -> str | None:
    """Return the customer charged through this payment method of the processor."""
    return connection.scalar(select(Customer.customer_id).where(Customer.payment_method == method))


def set_payer(connection: Connection, customer_id: str, payer: str, method: str = "") -> None:
    """Store the processor's id of the customer and the card to charge; "": none."""
    connection.execute(
        update(Customer)
        .where(Customer.customer_id == customer_id)
        .values(payer=payer or None, payment_method=method or None)
    )


def set_time_zone(connection: Connection, customer_id: str, zone: str) -> None:
    """Set the zone of a customer's days: of mails and pages at once, of periods from the next."""
    connection.execute(
        update(Customer).where(Customer.customer_id == customer_id).values(time_zone=zone)
    )


def set_finance_email(connection: Connection, account_id: int, email: str | None) -> None:
    """Set where receipts go besides the customer's own address; None: nowhere else."""
    connection.execute(
        update(Customer).where(Customer.account_id == account_id).values(finance_email=email)
    )


def lock(connection: Connection, account_id: int, at: datetime) -> None:
    """Lock the wallet for the rest of the transaction; its time never goes back."""
    connection.execute(
        text("SELECT FROM lock_wallet(:account, :at)"), {"account": account_id, "at": at}
    )


def not_before(connection: Connection, account_id: int, at: datetime) -> datetime:
    """Return `at`, or the wallet's own time if that is later: it never goes back."""
    statement = select(func.greatest(Wallet.decided_at, at)).where(Wallet.account_id == account_id)
    return connection.scalar(statement) or at


def window_end(connection: Connection, account_id: int) -> datetime | None:
    """Return when the current allowance window of a locked wallet ends."""
    return connection.scalar(select(Wallet.window_end).where(Wallet.account_id == account_id))


def served_until(connection: Connection, account_id: int) -> datetime | None:
    """Return when the last allowance window of a wallet ends, over or not; None: it has none."""
    mine = AllowanceWindow.account_id == account_id
    return connection.scalar(select(func.max(AllowanceWindow.window_end)).where(mine))


def set_paused(
    connection: Connection,
    account_id: int,
    cause: str,
    at: datetime,
    *,
    paused: bool,
    reason: str = "",
    by: str = "",
) -> bool:
    """Pause or resume for one cause; return whether that changed anything. History keeps why."""
    changed = connection.scalar(select(func.set_paused(account_id, cause, paused, at)))
    if changed:
        note = insert(PauseRow).values(
            account_id=account_id, at=at, cause=cause, paused=paused, reason=reason, made_by=by
        )
        connection.execute(note)
    return bool(changed)


@dataclass(frozen=True, slots=True)
class PauseLine:
    """A pause or its end, as the history shows it."""

    at: datetime
    cause: str
    paused: bool
    reason: str
    by: str

    @property
    def words(self) -> str:
        """What happened, why, and who did it."""
        what = "paused" if self.paused else "resumed"
        why = self.reason or self.cause
        return f"{what}: {why}{f', by {self.by}' if self.by else ''}"


def pauses(connection: Connection, account_id: int) -> tuple[PauseLine, ...]:
    """Return every pause and resumption of a wallet, the oldest first."""
    row = PauseRow
    rows = connection.execute(
        select(row.at, row.cause, row.paused, row.reason, row.made_by)
        .where(row.account_id == account_id)
        .order_by(row.pause_id)
    )
    return tuple(PauseLine(*one) for one in rows)


def pause_note(connection: Connection, account_id: int) -> str:
    """Return why an operator paused a wallet and who did; empty if none has."""
    last = [one for one in pauses(connection, account_id) if one.cause == Pause.BY_OPERATOR]
    if not last or not last[-1].paused:
        return ""
    return last[-1].words.removeprefix("paused: ")


def keep_serving(connection: Connection, account_id: int, until: datetime, at: datetime) -> None:
    """Let unexpired credits serve until an instant although the renewal is unpaid."""
    connection.execute(select(func.keep_serving(account_id, until, at)))


def end(connection: Connection, account_id: int, at: datetime) -> None:
    """Stop serving; credits that never expire stay, frozen."""
    connection.execute(select(func.end_wallet(account_id, at)))


def keep_refusals(
    connection: Connection, account_id: int, refusals: Sequence[RefusedEvent], at: datetime
) -> None:
    """Store refused fire-and-forget messages; a repeat adds nothing."""
    if not refusals:
        return
    # Lock first: the rows' foreign key share-locks the wallet, and upgrading that could deadlock.
    lock(connection, account_id, at)
    rows = [
        {
            "account_id": account_id,
            "refusal_id": refusal.refusal_id,
            "key": _storable(refusal.key) if refusal.key is not None else None,
            "reason": refusal.reason,
            "request": _storable(refusal.request),
            "at": at,
        }
        for refusal in refusals
    ]
    connection.execute(insert(Refusal).values(rows).on_conflict_do_nothing())


def kept_refusals(
    connection: Connection, account_id: int, refusal_ids: Sequence[str], at: datetime
) -> dict[str, str]:
    """Return the reasons of refusals already stored, by id; locks the wallet first."""
    lock(connection, account_id, at)
    rows = connection.execute(
        select(Refusal.refusal_id, Refusal.reason).where(
            Refusal.account_id == account_id, Refusal.refusal_id.in_(refusal_ids)
        )
    )
    return {row.refusal_id: row.reason for row in rows}


def _storable(words: str) -> str:
    """Return a text that PostgreSQL can store: neither NUL nor lone surrogates."""
    return words.replace("\x00", "\ufffd").encode(errors="replace").decode()
