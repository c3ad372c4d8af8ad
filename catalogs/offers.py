"""Blocks of credits beside the plans: packs that are sold, bonuses and starters that are given."""

from itertools import pairwise

from catalogs import values
from catalogs.document.section import Section
from catalogs.terms import FALLBACK, NEUTRAL_MINOR, KnownNames, unique
from domain.credits import MICRO
from domain.money import Ratio
from domain.pricing.catalog import Bonus, Extras, Pack, Starter
from domain.pricing.policies import Companion, VolumeTier

_WHOLE_PRICE = 100


def read_packs(document: Section, terms: KnownNames) -> None:
    """Make the packs known to `terms`; a plan sells those that it names."""
    for section in document.sections("packs"):
        credit_type = terms.credit_type(section)
        pack = Pack(
            pack_id=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            credit_type=credit_type,
            quantity_micro=section.required("quantity", values.credit_quantity, MICRO),
            price_minor=terms.price(
                section, "price", values.price_in(terms.currency), NEUTRAL_MINOR
            ),
            expires=section.required("expires", values.one_of(Extras), Extras.NEVER),
            scope=terms.scope(section, credit_type),
            volume=read_volume(section),
            refundable=section.optional("refundable", values.flag, True),
        )
        if pack.price_minor == 0:
            section.fault("price", "a pack needs a price; give credits away as a bonus")
        unique(section, "id", pack.pack_id, terms.packs)
        section.close()
        terms.packs[pack.pack_id] = pack


def read_bonuses(document: Section, terms: KnownNames) -> tuple[Bonus, ...]:
    """Return what is given for events outside billing."""
    found: list[Bonus] = []
    for section in document.sections("bonuses"):
        expires, valid_days = _end(section)
        bonus = Bonus(
            bonus_id=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            credit_type=terms.credit_type(section),
            quantity_micro=section.required("quantity", values.credit_quantity, MICRO),
            expires=expires,
            valid_days=valid_days,
        )
        unique(section, "id", bonus.bonus_id, [other.bonus_id for other in found])
        section.close()
        found.append(bonus)
    return tuple(found)


def read_starter(plan_section: Section, terms: KnownNames) -> tuple[Starter, ...]:
    """Return what a customer is given once, with its first period."""
    found: list[Starter] = []
    for section in plan_section.sections("starter"):
        credit_type = terms.credit_type(section)
        unique(section, "type", credit_type, [other.credit_type for other in found])
        expires, valid_days = _end(section)
        found.append(
            Starter(
                credit_type=credit_type,
                quantity_micro=section.required("quantity", values.credit_quantity, MICRO),
                expires=expires,
                scope=terms.scope(section, credit_type),
                valid_days=valid_days,
            )
        )
        section.close()
    return tuple(found)


def _end(section: Section) -> tuple[Extras, int | None]:
    """Return when a gift ends: one of the instants that `expires` names, or days after it."""
    expires = section.optional("expires", values.one_of(Extras), None)
    days = section.optional("valid_days", values.validity, None)
    if section.has("expires") == section.has("valid_days"):
        section.fault("expires", "say when it ends: with `expires` or with `valid_days`, not both")
    return expires or Extras.NEVER, days


def read_companions(plan_section: Section, terms: KnownNames) -> tuple[Companion, ...]:
    """Return what comes with each purchased credit."""
    found: list[Companion] = []
    for section in plan_section.sections("companions"):
        companion = Companion(
            credit_type=terms.credit_type(section),
            per_credit_micro=section.required("per_credit", values.credit_quantity, MICRO),
        )
        unique(section, "type", companion.credit_type, [other.credit_type for other in found])
        section.close()
        found.append(companion)
    return tuple(found)


def read_volume(section: Section) -> tuple[VolumeTier, ...]:
    """Return the discounts of larger purchases; each must begin later and take off more."""
    tiers: list[VolumeTier] = []
    for inner in section.sections("volume"):
        tier = VolumeTier(
            from_micro=inner.required("from", values.credit_quantity, MICRO),
            percent_off=inner.required("percent_off", values.percent, Ratio(1, 1)),
        )
        if not 0 < tier.percent_off.num < _WHOLE_PRICE * tier.percent_off.den:
            inner.fault("percent_off", "must be above 0 and below 100")
        inner.close()
        tiers.append(tier)
    for one, following in pairwise(tiers):
        more = one.percent_off.num * following.percent_off.den < (
            following.percent_off.num * one.percent_off.den
        )
        if one.from_micro >= following.from_micro or not more:
            section.fault("volume", "each tier must begin above the one before it and take more")
    return tuple(tiers)
