"""The plans of a price list: what each costs and includes, and every policy it follows."""

from dataclasses import replace

from catalogs import values
from catalogs.document.section import Section
from catalogs.offers import read_companions, read_starter
from catalogs.policies import (
    check_granted_when_sent,
    check_sold_by_invoice,
    read_alerts,
    read_anchor_rule,
    read_overdraft,
    read_rollover,
    read_taken_kinds,
    read_tax,
    read_unpaid,
    read_warning_days,
)
from catalogs.purchases import dunning_days, read_auto, read_manual
from catalogs.terms import FALLBACK, NEUTRAL_MINOR, KnownNames, unique
from domain.burn import TieBreak
from domain.credits import MICRO
from domain.payments.taxes import TaxBehavior
from domain.periods import Interval, Unit
from domain.pricing.catalog import Allowance, Extras, Pack, Plan, Trial
from domain.pricing.policies import (
    APPROVAL_DAYS,
    AtZero,
    DebtRepaidFrom,
    GrantOn,
    Late,
    LateUsage,
    Priorities,
    ResumeOn,
    UpgradeMode,
    WhileUnpaid,
)
from domain.pricing.proration import is_upgrade

_LARGEST_PRIORITY = 1000
_NO_PLAN = "at least one is needed"
_NO_ALLOWANCES = "is missing; write [] for none"


def read_plans(document: Section, terms: KnownNames) -> tuple[Plan, ...]:
    """Return the plans; `defaults` gives any key of a plan that the plan itself leaves out."""
    defaults = document.section("defaults")
    found: list[Plan] = []
    sections: list[Section] = []
    for section in document.sections("plans", defaults, missing=_NO_PLAN):
        plan = _plan(section, terms)
        known = [f"{other.plan_id} {other.version}" for other in found]
        if plan.plan_id != FALLBACK:
            unique(section, "id", f"{plan.plan_id} {plan.version}", known)
        found.append(plan)
        sections.append(section)
    for section, plan in zip(sections, found, strict=True):
        _warn_of_cheap_upgrades(section, plan, found)
        _warn_of_unserved_weeks(section, plan)
        _warn_of_mixed_prices(section, plan, found)
    if defaults is not None:
        defaults.close()
    if not found:
        document.fault("plans", _NO_PLAN)
    return tuple(found)


def _plan(section: Section, terms: KnownNames) -> Plan:
    interval, window = _clocks(section)
    plan = Plan(
        plan_id=section.required("id", values.identifier, FALLBACK),
        version=section.optional("version", values.positive, 1),
        name=section.required("name", values.title, FALLBACK),
        family=section.required("family", values.identifier, FALLBACK),
        catalog=terms.catalog,
        price_minor=terms.price(section, "price", values.price_in(terms.currency), NEUTRAL_MINOR),
        currency=terms.currency,
        interval=interval,
        window=window,
        allowances=_allowances(section, terms),
        manual=None,
        auto=None,
        packs=_packs(section, terms),
        extras_expire=section.required("extras_expire", values.one_of(Extras), Extras.NEVER),
        resume_on=section.required(
            "resume_on", values.one_of(ResumeOn), ResumeOn.PAYMENT_METHOD_UPDATE
        ),
        renewal_dunning_days=dunning_days(section, "renewal_dunning"),
        late_usage=_late_usage(section),
        tie_break=section.optional("tie_break", values.one_of(TieBreak), TieBreak.CHEAPEST_FIRST),
        priorities=_priorities(section),
    )
    plan = replace(
        plan, manual=read_manual(section, plan, terms), auto=read_auto(section, plan, terms)
    )
    if plan.packs and not plan.paid:
        section.fault("packs", "credits bought on a free plan are frozen: sell them on paid plans")
    if plan.paid and not plan.allowances:
        section.fault("allowances", f"{plan.plan_id} is paid: its price must buy some credits")
    plan = _with_policies(section, plan, terms)
    _check_offers(section, plan, terms)
    check_granted_when_sent(section, plan)
    check_sold_by_invoice(section, plan)
    if not section.optional("public", values.flag, True):
        terms.private.append((plan.plan_id, plan.version))
    section.close()
    return plan


def _with_policies(section: Section, plan: Plan, terms: KnownNames) -> Plan:
    takes = read_taken_kinds(section, terms.currency)
    while_unpaid, after_dunning, grace_days = read_unpaid(section, invoiced=takes.invoiced)
    return replace(
        plan,
        anchor_rule=read_anchor_rule(section, plan.interval, plan.window),
        trial=_trial(section, plan, terms),
        starter=read_starter(section, terms),
        companions=read_companions(section, terms),
        overdraft=read_overdraft(section, terms),
        debt_repaid_from=section.optional(
            "debt_repaid_from", values.one_of(DebtRepaidFrom), DebtRepaidFrom.PURCHASES
        ),
        while_unpaid=while_unpaid,
        after_dunning=after_dunning,
        grace_days=grace_days,
        approval_above_micro=section.optional("approval_above", values.credit_quantity, None),
        approval_days=section.optional("approval_days", values.positive, APPROVAL_DAYS),
        adjustment_limit_micro=section.optional("adjustment_limit", values.credit_quantity, None),
        alerts=read_alerts(section),
        takes=takes,
        expiry_warning_days=read_warning_days(section),
        tax=read_tax(section),
        upgrade=section.optional(
            "upgrade", values.one_of(UpgradeMode), UpgradeMode.PRORATE_CREDITS
        ),
        grant_on=section.optional("grant_on", values.one_of(GrantOn), GrantOn.PAID),
    )


def _warn_of_unserved_weeks(section: Section, plan: Plan) -> None:
    """Warn who lets a paying customer wait for the transfer of each renewal."""
    paid_first = plan.takes.invoiced and plan.grant_on is GrantOn.PAID
    if paid_first and plan.while_unpaid is WhileUnpaid.PAUSE:
        section.warning(
            "payment_methods",
            f"nothing can be used from a renewal until its transfer comes, up to"
            f" {plan.takes.due_days} days: `grant_on: processing` begins the period when its"
            " invoice is sent, `while_unpaid: serve_purchased` serves what was bought meanwhile",
        )


def _warn_of_cheap_upgrades(section: Section, plan: Plan, plans: list[Plan]) -> None:
    """Warn who sells credits for a fraction of their price, again each period (rules 3.10)."""
    if plan.upgrade is UpgradeMode.PRORATE and any(is_upgrade(old, plan) for old in plans):
        section.warning(
            "upgrade",
            "`prorate` gives all the credits that an upgrade adds for the price of the days that"
            " are left: below a quarter of it in a period's last days, and again each period;"
            " `prorate_credits` and `restart` do not",
        )


def _warn_of_mixed_prices(section: Section, plan: Plan, plans: list[Plan]) -> None:
    """Warn who takes net prices off gross ones: a change of plan compares them as listed."""
    if not plan.paid or _behavior(plan) is not TaxBehavior.INCLUSIVE:
        return
    if any(one.paid and _behavior(one) is TaxBehavior.EXCLUSIVE for one in plans):
        section.warning(
            "tax_behavior",
            "the price has its tax inside, and other plans of the list have it added: what an"
            " upgrade between them takes off is net where the price is gross, or the other way"
            " round. Price all plans of a list in one way, or sell them in two lists",
        )


def _behavior(plan: Plan) -> TaxBehavior | None:
    return plan.tax.behavior if plan.tax is not None else None


def _check_offers(section: Section, plan: Plan, terms: KnownNames) -> None:
    """Refuse offers that could not say their tax: they are made where usage is decided."""
    offers = any(action.at_zero is AtZero.PROMPT for action in terms.actions.values())
    added = plan.tax is not None and plan.tax.behavior is TaxBehavior.EXCLUSIVE
    if added and offers and plan.auto is not None:
        section.fault(
            "tax",
            "an action with `at_zero: prompt` would offer auto-purchase without its tax:"
            " use `tax_behavior: inclusive`, or `purchase` or `block` there",
        )


def _trial(plan_section: Section, plan: Plan, terms: KnownNames) -> Trial | None:
    section = plan_section.section("trial")
    if section is None:
        return None
    own = _trial_allowances(section, terms)
    trial = Trial(
        days=section.required("days", values.positive, 1),
        allowances=own if section.has("allowances") else plan.allowances,
    )
    section.close()
    if not plan.paid:
        plan_section.fault(
            "trial", f"{plan.plan_id} is free: there is nothing to try before paying"
        )
    return trial


def _clocks(section: Section) -> tuple[Interval, Interval]:
    interval = section.required("interval", values.interval, Interval(Unit.MONTH))
    window = section.optional("window", values.interval, interval)
    if window.divides(interval):
        return interval, window
    section.fault("window", "must divide the interval, so that every charge pays whole windows")
    return interval, interval


def _allowances(section: Section, terms: KnownNames) -> tuple[Allowance, ...]:
    """Return what a plan grants in each window."""
    found: list[Allowance] = []
    for inner in section.sections("allowances", missing=_NO_ALLOWANCES):
        credit_type = terms.credit_type(inner)
        unique(inner, "type", credit_type, [other.credit_type for other in found])
        found.append(
            Allowance(
                credit_type=credit_type,
                quantity_micro=inner.required("quantity", values.credit_quantity, MICRO),
                scope=terms.scope(inner, credit_type),
                share=inner.optional("share", values.positive, 1),
                rollover=read_rollover(inner),
            )
        )
        inner.close()
    return tuple(found)


def _trial_allowances(section: Section, terms: KnownNames) -> tuple[Allowance, ...]:
    """Return what is granted for a trial: no price is shared out for it, and nothing moves on."""
    found: list[Allowance] = []
    for inner in section.sections("allowances"):
        credit_type = terms.credit_type(inner)
        unique(inner, "type", credit_type, [other.credit_type for other in found])
        quantity = inner.required("quantity", values.credit_quantity, MICRO)
        found.append(Allowance(credit_type, quantity, terms.scope(inner, credit_type)))
        inner.close()
    return tuple(found)


def _packs(section: Section, terms: KnownNames) -> tuple[Pack, ...]:
    named = section.listed("packs", values.identifier, default=())
    for pack_id in named:
        if pack_id not in terms.packs:
            section.fault("packs", f"{pack_id!r} is not among the packs")
    return tuple(terms.packs[pack_id] for pack_id in named if pack_id in terms.packs)


def _late_usage(section: Section) -> LateUsage:
    kind = section.optional("late_usage", values.one_of(Late), Late.BOOK_NOW)
    days = section.optional("reopen_days", values.whole, 0)
    if (kind is Late.REOPEN) != (days > 0):
        section.fault("late_usage", "`reopen` needs reopen_days above zero, and only it has them")
    return LateUsage(kind, days)


def _priorities(section: Section) -> Priorities:
    usual = Priorities()
    inner = section.section("priorities")
    if inner is None:
        return usual
    read = {
        kind: inner.optional(kind, values.whole, getattr(usual, kind))
        for kind in ("allowance", "bonus", "rollover", "pack", "overdraft")
    }
    for kind, priority in read.items():
        if priority > _LARGEST_PRIORITY:
            inner.fault(kind, f"a priority is at most {_LARGEST_PRIORITY}")
    inner.close()
    return Priorities(**read)
