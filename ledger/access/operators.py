"""Accounts of operators: made by hand, checked by an Argon2 hash, locked against guessing."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.access.identities import Identity, SignInRefused
from domain.access.operators import (
    Operator,
    OperatorRole,
    email_of,
    lock_after,
    require_long,
)
from domain.errors import InvalidInput
from models.tables import OperatorRow

PROVIDER = "a first sign-in"  # what made an account that nobody did
_COLUMNS = (OperatorRow.email, OperatorRow.name, OperatorRow.role, OperatorRow.epoch)


@dataclass(frozen=True, slots=True)
class ListedOperator:
    """An account with its history."""

    operator: Operator
    created_by: str
    created_at: datetime
    locked_until: datetime | None
    disabled_at: datetime | None
    is_of_provider: bool  # whether an identity provider says who it is, and which role it has


def create(
    connection: Connection, operator: Operator, password: str, *, by: str, at: datetime
) -> None:
    """Make an account. Raises `InvalidInput`: `operator_exists`, `invalid_password`."""
    require_long(password)
    if connection.scalar(select(OperatorRow.email).where(OperatorRow.email == operator.email)):
        raise InvalidInput("operator_exists", f"{operator.email} has an account")
    connection.execute(
        insert(OperatorRow).values(
            email=operator.email,
            name=operator.name,
            role=operator.role,
            password=_hasher().hash(password),
            created_by=by,
            created_at=at,
        )
    )


def change_password(connection: Connection, email: str, password: str) -> None:
    """Set a password, unlock the account and end its sessions. Raises `InvalidInput`."""
    require_long(password)
    _change(
        connection,
        email,
        password=_hasher().hash(password),
        epoch=OperatorRow.epoch + 1,
        failures=0,
        locked_until=None,
    )


def change_role(connection: Connection, email: str, role: OperatorRole) -> None:
    """Give an account another role, from its next request on.

    Raises `InvalidInput`, also where the identity provider says which role it has.
    """
    mine = OperatorRow.subject.is_not(None), OperatorRow.email == email
    if connection.scalar(select(OperatorRow.email).where(*mine)):
        raise InvalidInput("invalid_value", "the identity provider says which role this has")
    _change(connection, email, role=role)


def disable(connection: Connection, email: str, at: datetime) -> None:
    """Let an account sign in no more, and end its sessions. Raises `InvalidInput`."""
    _change(connection, email, disabled_at=at, epoch=OperatorRow.epoch + 1)


def release(connection: Connection, email: str) -> None:
    """Let whoever the identity provider next signs in under an address have it.

    It ends the account's sessions, and that it was disabled. Raises `InvalidInput`.
    """
    ended = {"epoch": OperatorRow.epoch + 1, "disabled_at": None}
    _change(connection, email, issuer=None, subject=None, **ended)


def enter(connection: Connection, identity: Identity, role: OperatorRole, at: datetime) -> Operator:
    """Return the operator who is somebody of an identity provider, with the name and role of now.

    The first address stays: under another one, whoever proposed an act could confirm it. Raises
    `SignInRefused`: `address_taken`, `operator_disabled`.
    """
    mine = {"issuer": identity.issuer, "subject": identity.subject}
    known = _of(connection, identity)
    if known is None:
        _take_up(connection, identity, role, at)
        known = _of(connection, identity)
    if known is None:
        raise SignInRefused("address_taken", "the address is of another identity")
    if known.disabled_at is not None:
        raise SignInRefused("operator_disabled", "the account was disabled")
    _change(connection, known.email, name=identity.name, role=role, **mine)
    return Operator(known.email, identity.name, role, known.epoch)


def lose_role(connection: Connection, identity: Identity) -> None:
    """End the sessions of somebody to whom the identity provider gives no role any more."""
    connection.execute(
        update(OperatorRow)
        .where(OperatorRow.issuer == identity.issuer, OperatorRow.subject == identity.subject)
        .values(epoch=OperatorRow.epoch + 1)
    )


def _of(connection: Connection, identity: Identity) -> Any:
    return connection.execute(
        select(OperatorRow)
        .where(OperatorRow.issuer == identity.issuer, OperatorRow.subject == identity.subject)
        .with_for_update()
    ).one_or_none()


def _take_up(connection: Connection, identity: Identity, role: OperatorRole, at: datetime) -> None:
    """Make an account, or take up the one of that address that is nobody's yet."""
    who = {"issuer": identity.issuer, "subject": identity.subject}
    made = insert(OperatorRow).values(
        email=identity.email,
        name=identity.name,
        role=role,
        created_by=PROVIDER,
        created_at=at,
        **who,
    )
    connection.execute(
        made.on_conflict_do_update(
            index_elements=[OperatorRow.email], set_=who, where=OperatorRow.subject.is_(None)
        )
    )


def listed(connection: Connection) -> tuple[ListedOperator, ...]:
    """Return every account, by address."""
    rows = connection.execute(
        select(
            *_COLUMNS,
            OperatorRow.created_by,
            OperatorRow.created_at,
            OperatorRow.locked_until,
            OperatorRow.disabled_at,
            OperatorRow.subject,
        ).order_by(OperatorRow.email)
    )
    return tuple(
        ListedOperator(
            operator=_operator(one),
            created_by=one.created_by,
            created_at=one.created_at,
            locked_until=one.locked_until,
            disabled_at=one.disabled_at,
            is_of_provider=one.subject is not None,
        )
        for one in rows
    )


def find(connection: Connection, email: str, epoch: int) -> Operator | None:
    """Return the operator of a session; None: disabled, or the password was changed since."""
    row = connection.execute(
        select(*_COLUMNS).where(
            OperatorRow.email == email,
            OperatorRow.epoch == epoch,
            OperatorRow.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else _operator(row)


def sign_in(connection: Connection, email: str, password: str, at: datetime) -> Operator | None:
    """Return who signs in; None: unknown, wrong, locked or disabled, which nobody is told apart.

    Takes as long for an address that nobody has.
    """
    row = connection.execute(
        select(OperatorRow).where(OperatorRow.email == email).with_for_update()
    ).one_or_none()
    known = row is not None and row.disabled_at is None
    locked = row is not None and row.locked_until is not None and row.locked_until > at
    right = _fits((row and row.password) or _nobodys(), password)
    if row is None or not known or locked:
        return None
    failures = 0 if right else row.failures + 1
    _change(connection, email, failures=failures, locked_until=lock_after(failures, at))
    return _operator(row) if right else None


def _change(connection: Connection, email: str, **values: object) -> None:
    changed = connection.execute(
        update(OperatorRow).where(OperatorRow.email == email).values(**values)
    )
    if not changed.rowcount:
        raise InvalidInput("unknown_operator", f"nobody has the address {email_of(email)}")


def _operator(row: Any) -> Operator:
    return Operator(row.email, row.name, OperatorRole(row.role), row.epoch)


def _fits(hashed: str, password: str) -> bool:
    try:
        return _hasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys() -> str:
    """Return a hash that no password fits, so that an unknown address takes as long."""
    return _hasher().hash("of nobody, and of no use to anybody")
