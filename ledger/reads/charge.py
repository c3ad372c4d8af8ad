"""One charge with what it granted and what went back."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from domain.payments.taxes import Taxed
from domain.pricing.discounts import Discount
from ledger.payments.coupons import as_discount
from ledger.payments.taxes import as_taxed


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it stands; money in minor units of `currency`, `micro` the credits it buys."""

    charge_id: str
    subscription_id: str
    kind: str
    state: str
    minor: int
    surcharge_minor: int
    currency: str
    micro: int | None
    opened_at: datetime
    settled_at: datetime | None
    declines: int
    decline_code: str | None
    invoice: str | None
    refunded_minor: int
    disputed_minor: int
    taxed: Taxed | None = None
    discount: Discount | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant of a charge and what became of it, in micro-credits."""

    grant_id: int
    credit_type: str
    source: str
    granted: int
    used: int
    remaining: int
    held: int
    expired: int
    voided: int
    refunded: int
    rolled: int
    owed: int
    effective_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """A refund (`made_by` None: at the processor) or a dispute of a charge."""

    back_id: str
    what: str
    state: str
    minor: int
    reason: str | None
    made_by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is known of a charge."""

    charge: Charge
    grants: tuple[Granted, ...]
    back: tuple[MoneyBack, ...]


def whole(connection: Connection, account_id: int, charge_id: str) -> Whole | None:
    """Return a charge of an account; None: it has no such charge."""
    named = {"account": account_id, "charge": charge_id}
    row = connection.execute(_CHARGE, named).one_or_none()
    if row is None:
        return None
    return Whole(
        replace(Charge(*row[:-4]), taxed=as_taxed(*row[-4:-2]), discount=as_discount(*row[-2:])),
        tuple(Granted(*one) for one in connection.execute(_GRANTS, named)),
        tuple(MoneyBack(*one) for one in connection.execute(_BACK, named)),
    )


_CHARGE = text("""
    SELECT c.charge_id, c.subscription_id, c.kind, c.state, c.amount_minor + c.tax_minor,
           c.surcharge_minor,
           c.currency, c.quantity, c.opened_at, c.settled_at, c.declines, c.decline_code,
           c.invoice, refunds_of(c), disputes_of(c), c.tax_minor, c.tax,
           c.coupon, c.discount_minor
    FROM charges c WHERE c.account_id = :account AND c.charge_id = :charge
""")
_GRANTS = text("""
    SELECT g.grant_id, g.credit_type, g.source, g.granted, used_of(g), g.remaining, g.held,
           g.expired, g.voided, g.refunded, g.rolled, g.owed, g.effective_at,
           nullif(g.expires_at, 'infinity')
    FROM grants g WHERE g.account_id = :account AND g.charge_id = :charge ORDER BY g.grant_id
""")
_BACK = text("""
    SELECT refund_id, 'refund', state, amount_minor, reason, made_by, at FROM refunds
    WHERE account_id = :account AND charge_id = :charge
    UNION ALL
    SELECT dispute_id, 'dispute', state, amount_minor, NULL, NULL, at FROM disputes
    WHERE account_id = :account AND charge_id = :charge
    ORDER BY 7 DESC, 1
""")
