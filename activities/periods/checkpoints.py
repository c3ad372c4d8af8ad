"""Checkpoints of open charges: what a lost workflow needs to go on with them."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.payments.charges import Charge
from domain.periods import Window
from domain.pricing.catalog import Plan
from domain.pricing.proration import ChangeQuote
from ledger import checkpoints


def keep_note(
    connection: Connection,
    account_id: int,
    charge: Charge,
    *,
    plan: Plan | None = None,
    period: Window | None = None,
    quote: ChangeQuote | None = None,
    anchor: datetime | None = None,
    time_zone: str | None = None,
    confirmed: bool = False,
    lasting: bool = False,
) -> None:
    """Store a charge's checkpoint in the transaction that opens it; `recovery` reads it back."""
    checkpoints.note(
        connection,
        account_id,
        charge.charge_id,
        charge=_as_json(charge),
        plan=_as_json(plan),
        period=_as_json(period),
        quote=_as_json(quote),
        anchor=anchor.isoformat() if anchor else None,
        time_zone=time_zone,
        confirmed=confirmed or None,
        lasting=lasting or None,
    )


def note_charge(connection: Connection, account_id: int, charge: Charge) -> None:
    """Store a charge as it is now in its checkpoint."""
    checkpoints.note(connection, account_id, charge.charge_id, charge=_as_json(charge))


def _as_json(value: Any) -> Any:
    if value is None:
        return None
    return json.loads(json.dumps(asdict(value), default=datetime.isoformat))
