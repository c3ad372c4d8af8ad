"""Updates with a key: the answer is stored with the change it reports and returned on a repeat."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.uninterrupted import uninterrupted
from ledger import accounts, kept_answers


@dataclass(frozen=True, slots=True)
class Keyed:
    """The key of an update, what it asks for ("cancel now"), and its answer once that is true.

    Keys belong to a subscription: a later one of the same customer starts with none.
    """

    subscription_id: str
    key: str
    request: str
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when; `charge_id` is the charge that a change with this key would have."""

    account_id: int
    at: datetime
    charge_id: str = ""


class Found(StrEnum):
    """What a key led to before."""

    NEW = "new"
    KEPT = "kept"
    VOID = "void"  # the charge that it opened was given up
    CONFLICT = "idempotency_conflict"  # it was used for another request


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What became of a key before, and what was answered if the answer was kept."""

    status: Found
    answer: dict[str, Any] = field(default_factory=dict)


class AnswerActivities:
    """Kept answers, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="find_change")
    def find(self, asker: Asker, keyed: Keyed) -> EarlierAnswer:
        """Return the earlier answer to an update with this key."""
        with self._context.engine.begin() as connection:
            before = kept_answers.kept(
                connection,
                account_id=asker.account_id,
                subscription_id=keyed.subscription_id,
                key=keyed.key,
                charge_id=asker.charge_id,
            )
        if before is None:
            return EarlierAnswer(Found.NEW)
        if before.request != keyed.request:
            return EarlierAnswer(Found.CONFLICT)
        return EarlierAnswer(Found.KEPT if before.answer else Found.VOID, before.answer)

    @uninterrupted(name="keep_answer")
    def keep(self, asker: Asker, keyed: Keyed) -> None:
        """Store an answer that changed nothing else."""
        with self._context.engine.begin() as connection:
            accounts.lock(connection, asker.account_id, asker.at)
            keep(connection, asker.account_id, asker.at, keyed)


def keep(
    connection: Connection,
    account_id: int,
    at: datetime,
    keyed: Keyed | None,
    more: dict[str, Any] | None = None,
) -> None:
    """Store the answer of an update with a key, in the transaction that makes it true."""
    if keyed is not None:
        answer = keyed.answer | (more or {})
        kept_answers.keep(
            connection,
            account_id=account_id,
            subscription_id=keyed.subscription_id,
            key=keyed.key,
            request=keyed.request,
            answer=answer,
            at=at,
        )
