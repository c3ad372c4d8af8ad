"""The tax of a charge as it is kept with it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from domain.errors import InvalidInput
from domain.payments.taxes import TaxBehavior, Taxed, TaxLine


def tax_charge(
    connection: Connection, account_id: int, charge_id: str, taxed: Taxed, at: datetime
) -> str:
    """Keep the tax of a charge before it is paid; return `taxed` or the charge's state.

    Raises `InvalidInput` (`unknown_charge`, or `wrong_amount` where the tax leaves no price).
    """
    told = {
        "behavior": taxed.behavior.value,
        "lines": [asdict(one) for one in taxed.lines],
    }
    status = connection.scalar(
        select(func.tax_charge(account_id, charge_id, taxed.tax_minor, cast(told, JSONB), at))
    )
    if status in ("unknown_charge", "wrong_amount"):
        raise InvalidInput(str(status), f"charge {charge_id} cannot be taxed: {status}")
    return str(status)


def as_taxed(tax_minor: int, told: Mapping[str, Any] | None) -> Taxed | None:
    """Read what the processor computed as it is kept with a charge; None: not taxed."""
    if told is None:
        return None
    lines = tuple(TaxLine(**one) for one in told["lines"])
    return Taxed(TaxBehavior(told["behavior"]), tax_minor, lines)
