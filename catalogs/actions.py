"""What a product does, what it costs from which instant on, and what happens at zero."""

from datetime import UTC, datetime

from catalogs import values
from catalogs.document.section import Section
from catalogs.terms import FALLBACK, KnownNames, unique
from domain.credits import MICRO
from domain.pricing.catalog import Action, RateVersion, Way
from domain.pricing.policies import Ask, AtZero
from domain.pricing.rates import Rate, Rounding

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ACTION = "at least one is needed"
_NO_RATE = "at least one is needed; write [{pay: []}] for a free action"
_NO_WAY = "is missing; write [] for a free action"


def read_actions(document: Section, terms: KnownNames) -> tuple[Action, ...]:
    """Return the actions, each known to `terms` from here on."""
    read: list[tuple[Section, Action]] = []
    for section in document.sections("actions", missing=_NO_ACTION):
        noted = len(section.faults)
        action = _action(section, terms)
        unique(section, "id", action.action_id, terms.actions)
        if len(section.faults) == noted:
            _check_versions(section, action)
        section.close()
        terms.actions[action.action_id] = action
        read.append((section, action))
    # Only now are all the names known that one action may degrade to.
    for section, action in read:
        _check_degrading(section, action, terms)
    if not terms.actions:
        document.fault("actions", _NO_ACTION)
    return tuple(terms.actions.values())


def _action(section: Section, terms: KnownNames) -> Action:
    return Action(
        action_id=section.required("id", values.identifier, FALLBACK),
        name=section.required("name", values.title, FALLBACK),
        rates=tuple(
            _rate_version(inner, terms) for inner in section.sections("rates", missing=_NO_RATE)
        ),
        once_per=section.optional("once_per", values.identifier, None),
        at_zero=section.optional("at_zero", values.one_of(AtZero), AtZero.PURCHASE),
        degrades_to=section.optional("degrades_to", values.identifier, None),
    )


def _check_versions(section: Section, action: Action) -> None:
    starts = [version.effective_from for version in action.rates]
    if not starts:
        section.fault("rates", _NO_RATE)
    if starts != sorted(set(starts)):
        section.fault("rates", "each must begin later than the one before it")


def _check_degrading(section: Section, action: Action, terms: KnownNames) -> None:
    if (action.at_zero is AtZero.DEGRADE) != (action.degrades_to is not None):
        section.fault("at_zero", "`degrade` needs degrades_to, and only it has one")
    passed = {action.action_id}
    current = action
    while current.degrades_to is not None:
        following = terms.actions.get(current.degrades_to)
        if following is None:
            if current is action:  # what others name is noted at theirs
                section.fault("degrades_to", f"{action.degrades_to!r} is not among the actions")
            return
        if following.action_id in passed:
            section.fault("degrades_to", "degrades_to forms a cycle: end it somewhere")
            return
        passed.add(following.action_id)
        current = following


def _rate_version(section: Section, terms: KnownNames) -> RateVersion:
    ways = tuple(_way(inner, terms) for inner in section.sections("pay", missing=_NO_WAY))
    types = [way.credit_type for way in ways]
    if len(types) != len(set(types)):
        section.fault("pay", "names a credit type twice")
    version = RateVersion(section.optional("from", values.instant, _ALWAYS), ways)
    section.close()
    return version


def _way(section: Section, terms: KnownNames) -> Way:
    rate = Rate(
        credits_micro=section.required("cost", values.credit_quantity, MICRO),
        per_micro=section.optional("per", values.credit_quantity, MICRO),
        rounding=section.optional("rounding", values.one_of(Rounding), Rounding.EXACT),
    )
    way = Way(
        credit_type=terms.credit_type(section, "with"),
        rate=rate,
        ask=section.optional("ask", values.one_of(Ask), Ask.NEVER),
    )
    section.close()
    return way
