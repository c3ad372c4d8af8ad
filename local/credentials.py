"""The secrets that a folder's stack makes for itself: made once, kept for its owner's eyes.

They outlive the stack, so that links in mails caught before open after the next start, and the
key that a person put into a program goes on working. `make reset` takes them away.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from domain.access.operators import Operator, OperatorRole
from domain.api_keys import Scope, digest_of
from ledger import api_keys
from ledger.access import operators
from models.base import connect

FILE = "secrets.json"
OPERATOR = "operator@drawdown.local"
NAME, MAKER = "the first key of this folder", "make up"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs links, a key of the API for everything, and an operator's password.

    `are_new` in the run that made them.
    """

    link_secret: str = field(repr=False)
    api_key: str = field(repr=False)
    password: str = field(repr=False)
    are_new: bool = False


def of(home: Path, database: str) -> Credentials:
    """Return the secrets of a folder; make what is missing, or unknown to its database."""
    file = home / FILE
    try:
        kept = Credentials(**json.loads(file.read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        kept = Credentials(secrets.token_urlsafe(32), "", "")
    now = datetime.now(UTC)
    engine = connect(database)
    try:
        with engine.begin() as connection:
            if api_keys.find(connection, digest_of(kept.api_key), now):
                return kept
            made = api_keys.create(connection, NAME, [Scope.ADMIN], None, by=MAKER, at=now)
            password = _operator(connection, now)
    finally:
        engine.dispose()
    _write(file, Credentials(kept.link_secret, made.secret, password))
    return Credentials(kept.link_secret, made.secret, password, are_new=True)


def _operator(connection: Connection, at: datetime) -> str:
    """Make the operator of the folder, or give it another password; return that."""
    password = secrets.token_urlsafe(15)
    first = Operator(OPERATOR, "Local operator", OperatorRole.ADMIN, 0)
    if any(one.operator.email == OPERATOR for one in operators.listed(connection)):
        operators.change_password(connection, OPERATOR, password)
    else:
        operators.create(connection, first, password, by=MAKER, at=at)
    return password


def _write(file: Path, made: Credentials) -> None:
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps({**asdict(made), "are_new": False}, indent=2) + "\n")
    fresh.replace(file)
