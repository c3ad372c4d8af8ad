"""What a plan sells beyond its allowance, and whether the processor can charge for it."""

from catalogs import values
from catalogs.document.section import Section
from catalogs.offers import read_volume
from catalogs.terms import KnownNames
from domain.credits import MICRO
from domain.money import Ratio, credits_price
from domain.periods import Interval
from domain.pricing.catalog import AutoPurchase, ManualPurchase, Plan
from domain.pricing.purchase_price import auto_price

_OWN_PRICE = "plan"
_CAP = values.word_or("window_allowance", values.credit_quantity)  # None: the plan's own allowance
_NEUTRAL = Ratio(1, 1)  # stands for a unit price that could not be read


def read_manual(plan_section: Section, plan: Plan, terms: KnownNames) -> ManualPurchase | None:
    """Return the terms of buying by hand, or None where the plan sells none."""
    section = plan_section.section("manual")
    if section is None:
        return None
    credit_type = terms.credit_type(section)
    manual = ManualPurchase(
        unit_micro=section.required("unit", values.credit_quantity, MICRO),
        unit_price=_unit_price(section, plan, terms, credit_type),
        credit_type=credit_type,
        scope=terms.scope(section, credit_type),
        volume=read_volume(section),
    )
    section.close()
    if not plan.paid:
        plan_section.fault("manual", f"{plan.plan_id} is free: only paid plans buy credits")
    else:
        minor = credits_price(manual.unit_micro, manual.unit_price, plan.currency)
        _chargeable(
            section=section, plan=plan, terms=terms, price=manual.unit_price, unit_minor=minor
        )
    return manual


def read_auto(plan_section: Section, plan: Plan, terms: KnownNames) -> AutoPurchase | None:
    """Return the terms of auto-purchase, or None where the plan has none.

    A cap below one unit is not a fault: the switch is refused on that plan, with that reason.
    """
    section = plan_section.section("auto")
    if section is None:
        return None
    credit_type = terms.credit_type(section)
    cap_window = _cap_window(section, plan)
    auto = AutoPurchase(
        unit_micro=section.required("unit", values.credit_quantity, MICRO),
        unit_price=_unit_price(section, plan, terms, credit_type),
        surcharge_percent=section.required("surcharge_percent", values.percent, Ratio(0, 1)),
        cap_micro=_cap(section, plan, credit_type),
        dunning_days=dunning_days(section, "dunning"),
        credit_type=credit_type,
        cap_window=cap_window,
    )
    section.close()
    unit_minor = sum(auto_price(auto, auto.unit_micro, plan.currency))
    if not plan.paid:
        plan_section.fault("auto", f"{plan.plan_id} is free: only paid plans auto-purchase")
    else:
        _chargeable(
            section=section, plan=plan, terms=terms, price=auto.unit_price, unit_minor=unit_minor
        )
    return auto


def _chargeable(
    section: Section, plan: Plan, terms: KnownNames, price: Ratio, unit_minor: int
) -> None:
    """Add a fault if the processor cannot charge for one unit."""
    if unit_minor < terms.least_minor:
        section.fault("unit", f"one unit on {plan.plan_id} is below the processor's minimum charge")
    elif unit_minor > terms.most_minor and price is not _NEUTRAL:
        section.fault("unit", f"one unit on {plan.plan_id} is above the processor's maximum charge")


def dunning_days(section: Section, key: str) -> tuple[int, ...]:
    """Return the days after the first decline on which a charge is tried again, ascending."""
    days = section.listed(key, values.positive)
    if list(days) != sorted(set(days)):
        section.fault(key, "the days must rise, each counted from the first decline")
    return days


def _unit_price(section: Section, plan: Plan, terms: KnownNames, credit_type: str) -> Ratio:
    """Return an exact price per credit, or the plan's own price ÷ its own allowance."""
    parse = values.word_or(_OWN_PRICE, values.unit_price_in(plan.currency))
    written = terms.price(section, "unit_price", parse, _NEUTRAL)
    if written is not None:
        return written
    if [allowance.credit_type for allowance in plan.allowances] != [credit_type]:
        section.fault(
            "unit_price",
            f"{plan.plan_id} does not have exactly one allowance of {credit_type}: write the price",
        )
        return _NEUTRAL
    return plan.unit_price


def _cap_window(section: Section, plan: Plan) -> Interval | None:
    """Return in which windows of its own the cap counts, or None: in the allowance's."""
    window = section.optional("cap_window", values.interval, None)
    if window is None or window == plan.window:
        return None
    if not window.divides(plan.interval):
        section.fault("cap_window", "the interval must be a whole number of cap windows")
    if section.required("cap", _CAP, MICRO) is None:
        section.fault(
            "cap", "with a cap_window write the credits: the allowance is for its own window"
        )
    return window


def _cap(section: Section, plan: Plan, credit_type: str) -> int:
    written = section.required("cap", _CAP, MICRO)
    return plan.allowance_micro(credit_type) if written is None else written
