"""Accounts of operators: made by hand, checked by an Argon2 hash, locked against guessing."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, insert, select, update

from domain.access.operators import (
    Operator,
    OperatorRole,
    email_of,
    lock_after,
    require_long,
)
from domain.errors import InvalidInput
from models.tables import OperatorRow

_COLUMNS = (OperatorRow.email, OperatorRow.name, OperatorRow.role, OperatorRow.epoch)


@dataclass(frozen=True, slots=True)
class ListedOperator:
    """An account with its history."""

    operator: Operator
    created_by: str
    created_at: datetime
    locked_until: datetime | None
    disabled_at: datetime | None


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
    """Give an account another role, from its next request on. Raises `InvalidInput`."""
    _change(connection, email, role=role)


def disable(connection: Connection, email: str, at: datetime) -> None:
    """Let an account sign in no more, and end its sessions. Raises `InvalidInput`."""
    _change(connection, email, disabled_at=at, epoch=OperatorRow.epoch + 1)


def listed(connection: Connection) -> tuple[ListedOperator, ...]:
    """Return every account, by address."""
    rows = connection.execute(
        select(
            *_COLUMNS,
            OperatorRow.created_by,
            OperatorRow.created_at,
            OperatorRow.locked_until,
            OperatorRow.disabled_at,
        ).order_by(OperatorRow.email)
    )
    return tuple(
        ListedOperator(
            operator=_operator(one),
            created_by=one.created_by,
            created_at=one.created_at,
            locked_until=one.locked_until,
            disabled_at=one.disabled_at,
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
    right = _fits(row.password if row is not None else _nobodys(), password)
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
