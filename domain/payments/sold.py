"""What a charge sells, written on its invoice: enough to grant it if the books lose the charge.

Only purchases are written: credits by hand, packs, auto-purchases. A lost period is found by its
charge's id when it is charged again, and an upgrade's worth depends on the instant it happened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import InvalidInput
from domain.payments.charges import ChargeKind, Sold
from domain.pricing.catalog import Extras, Plan
from domain.pricing.purchase_price import MOST_PACKS, auto_price, manual_price, pack_price

LONGEST_VALUE = 500  # characters that the processor keeps of a value
WORDS = {ChargeKind.MANUAL: "manual", ChargeKind.PACK: "pack", ChargeKind.AUTO: "auto"}
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PaidSale:
    """A paid invoice that says what it sold; money in minor units of `currency`."""

    kind: ChargeKind
    sold: Sold
    amount_minor: int
    currency: str


def as_metadata(kind: ChargeKind, sold: Sold | None, amount_minor: int) -> dict[str, str]:
    """Return the metadata of a sale; empty if it cannot be written in full."""
    if sold is None or kind not in WORDS:
        return {}
    written = {
        "catalog": sold.catalog,
        "plan": sold.plan_id,
        "plan_version": str(sold.version),
        "credits_micro": str(sold.quantity_micro),
        "amount_minor": str(amount_minor),
    }
    if kind is ChargeKind.PACK:
        written |= {"pack": sold.pack_id, "packs": str(sold.count)}
    return {} if any(len(value) > LONGEST_VALUE for value in written.values()) else written


def parse_sale(written: Mapping[str, str], paid_minor: int, currency: str) -> PaidSale | None:
    """Read what a paid invoice sold; None if any part is missing or malformed.

    A charge's id carries its subscription and kind: without them the sale belongs to nobody.
    """
    kind = next((one for one in WORDS if one.value == written.get("kind")), None)
    if kind is None or not _is_named(written, WORDS[kind]):
        return None
    version, quantity, amount = (
        _number(written, name) for name in ("plan_version", "credits_micro", "amount_minor")
    )
    catalog, plan = written.get("catalog", ""), written.get("plan", "")
    if not (version and quantity and catalog and plan) or amount != paid_minor:
        return None
    sold = Sold(catalog, plan, version, quantity)
    if kind is ChargeKind.PACK:
        pack, count = written.get("pack", ""), _number(written, "packs")
        if not pack or not 0 < count <= MOST_PACKS:
            return None
        sold = Sold(
            catalog=catalog,
            plan_id=plan,
            version=version,
            quantity_micro=quantity,
            pack_id=pack,
            count=count,
        )
    return PaidSale(kind, sold, paid_minor, currency)


def deviation(sale: PaidSale, plan: Plan) -> str:
    """Return how a sale differs from what a plan version sells, or ""."""
    if (plan.catalog, plan.plan_id, plan.version) != (
        sale.sold.catalog,
        sale.sold.plan_id,
        sale.sold.version,
    ):
        return "the price list has no such plan version"
    if not plan.paid or plan.currency != sale.currency:
        return "that plan version sells nothing for it"
    price = _price(sale, plan)
    if price is None:
        return "that plan version does not sell it"
    return "" if price == sale.amount_minor else "that plan version has another price for it"


def surcharge_of(sale: PaidSale, plan: Plan) -> int:
    """Return the part of a sale's price that is a surcharge, in minor units."""
    if sale.kind is not ChargeKind.AUTO or plan.auto is None:
        return 0
    return auto_price(plan.auto, sale.sold.quantity_micro, plan.currency)[1]


def lasts(sale: PaidSale, plan: Plan) -> bool:
    """Return whether the credits of a sale never expire, so that they need no window.

    Raises `InvalidInput` (`unknown_pack`).
    """
    if sale.kind is ChargeKind.PACK:
        return plan.pack(sale.sold.pack_id).expires is Extras.NEVER
    return plan.extras_expire is Extras.NEVER


def _price(sale: PaidSale, plan: Plan) -> int | None:
    """Return what a plan version asks for the same sale; None if it does not sell it."""
    sold, quantity = sale.sold, sale.sold.quantity_micro
    if sale.kind is ChargeKind.PACK:
        try:
            pack = plan.pack(sold.pack_id)
        except InvalidInput:
            return None
        whole = quantity == pack.quantity_micro * sold.count
        return pack_price(pack, sold.count, plan.currency).amount_minor if whole else None
    if sale.kind is ChargeKind.AUTO:
        auto = plan.auto
        if auto is None or quantity % auto.unit_micro:
            return None
        return sum(auto_price(auto, quantity, plan.currency))
    if plan.manual is None or quantity % plan.manual.unit_micro:
        return None
    return manual_price(plan.manual, quantity, plan.currency).amount_minor


def _is_named(written: Mapping[str, str], word: str) -> bool:
    prefix = f"{written.get('subscription_id', '')}:{word}:"
    return written.get("charge_id", "").startswith(prefix) and prefix[0] != ":"


def _number(written: Mapping[str, str], name: str) -> int:
    """Return a number above zero in the form we write it, else 0."""
    text = written.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0
