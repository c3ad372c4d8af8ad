"""The policies of a plan that few sellers need: overdraft, rollover, trial, alerts, approval."""

from catalogs import values
from catalogs.document.section import Section
from catalogs.terms import KnownNames, unique
from domain.credits import MICRO, format_credits
from domain.money import Ratio
from domain.payments.kinds import (
    CARDS,
    DEBITED,
    DUE_DAYS,
    ONLY_CARDS,
    TRANSFERRED,
    PaymentKind,
    TakenKinds,
)
from domain.payments.taxes import TaxBehavior, TaxBy, TaxTerms
from domain.periods import Interval
from domain.pricing.catalog import Action, Extras, Plan
from domain.pricing.policies import (
    AfterDunning,
    Alert,
    AnchorRule,
    AtZero,
    Channel,
    GrantOn,
    Overdraft,
    Rollover,
    WhileUnpaid,
)

_WHOLE = 100
SHORTEST_MONTH = 28  # days

# What a key means, and what holds where it is left out; `catalogs/keys.py` takes it over.
_GRANT_ON = (
    "when credits and periods come whose money takes days, as a bank debit's: with it, or at once;"
    " if it fails, unused credits are taken back and used ones owed; upgrades wait for their money"
)
MEANINGS: dict[str, tuple[str, str]] = {"plans[].grant_on": (_GRANT_ON, "")}


def read_overdraft(plan_section: Section, terms: KnownNames) -> Overdraft | None:
    """Return how far a plan serves on credit, to the actions whose `at_zero` is `overdraft`."""
    section = plan_section.section("overdraft")
    if section is None:
        return None
    credit_type = terms.credit_type(section)
    overdraft = Overdraft(
        credit_type=credit_type,
        limit_micro=section.required("limit", values.credit_quantity, MICRO),
        scope=tuple(
            action.action_id
            for action in terms.actions.values()
            if action.at_zero is AtZero.OVERDRAFT and _accepts(action, credit_type)
        ),
    )
    if not overdraft.scope:
        section.fault("type", f"no action paid with {credit_type!r} has `at_zero: overdraft`")
    section.close()
    return overdraft


def read_rollover(allowance_section: Section) -> Rollover | None:
    """Return how much of an unused allowance moves on, and how often."""
    section = allowance_section.section("rollover")
    if section is None:
        return None
    percent = section.optional("share_percent", values.percent, None)
    if percent is not None and not 0 < percent.num <= _WHOLE * percent.den:
        section.fault("share_percent", "must be above 0 and at most 100")
    rollover = Rollover(
        share=None if percent is None else Ratio(percent.num, percent.den * _WHOLE),
        amount_micro=section.optional("amount", values.credit_quantity, None),
        times=section.optional("times", values.positive, 1),
    )
    if not (section.has("share_percent") or section.has("amount")):
        section.fault("share_percent", "is missing; write share_percent, amount or both")
    section.close()
    return rollover


def read_alerts(plan_section: Section) -> tuple[Alert, ...]:
    """Return the thresholds at which people are told, each named by its own figure."""
    found: list[Alert] = []
    for section in plan_section.sections("alerts"):
        percent = section.optional("percent", values.positive, None)
        amount = section.optional("credits", values.credit_quantity, None)
        if section.has("percent") == section.has("credits"):
            section.fault("percent", "a threshold is either percent or credits: write one of them")
        if percent is not None and percent >= _WHOLE:
            section.fault("percent", "must be below 100")
        name = f"{percent}_percent" if amount is None else f"{format_credits(amount)}_credits"
        unique(section, "percent", name, [other.threshold_id for other in found])
        channel = section.required("channel", values.one_of(Channel), Channel.BOTH)
        rearms = section.optional("rearm_on_purchase", values.flag, default=False)
        section.close()
        found.append(
            Alert(
                threshold_id=name,
                percent=percent,
                amount_micro=amount,
                channel=channel,
                rearms=rearms,
            )
        )
    return tuple(found)


def read_warning_days(section: Section) -> tuple[int, ...]:
    """Return how many days before an expiry people are told, from the earliest on."""
    days = section.listed("expiry_warning_days", values.positive, default=())
    if list(days) != sorted(set(days), reverse=True):
        section.fault("expiry_warning_days", "the days must fall: the earliest warning is first")
    return days


def read_unpaid(section: Section, *, invoiced: bool) -> tuple[WhileUnpaid, AfterDunning, int]:
    """Return what an unpaid renewal leaves, what follows its dunning, the days of grace between.

    After the day of an invoice the days of grace go by before it pauses, whatever follows.
    """
    section.retired(
        "renewal_failure",
        "is two keys now: `while_unpaid: pause | serve_purchased` and"
        " `after_dunning: stay_past_due | end`",
    )
    serves = section.optional("while_unpaid", values.one_of(WhileUnpaid), WhileUnpaid.PAUSE)
    after = section.optional(
        "after_dunning", values.one_of(AfterDunning), AfterDunning.STAY_PAST_DUE
    )
    grace_days = section.optional("grace_days", values.whole, 0)
    waits = serves is WhileUnpaid.PAUSE and after is AfterDunning.STAY_PAST_DUE
    if grace_days and waits and not invoiced:
        section.fault(
            "grace_days", "nothing ends with them: `pause` and `stay_past_due` wait for ever"
        )
    return serves, after, grace_days


def read_taken_kinds(plan_section: Section, currency: str) -> TakenKinds:
    """Return which kinds of payment methods a plan takes for what; cards where nothing is said."""
    section = plan_section.section("payment_methods")
    if section is None:
        return ONLY_CARDS
    kind = values.one_of(PaymentKind)
    taken = {
        "plan": section.listed("plan", kind, default=()),
        "purchases": section.listed("purchases", kind, default=()),
        "auto": section.listed("auto", kind, default=()),
    }
    for name, kinds in taken.items():
        if len(set(kinds)) < len(kinds) or (section.has(name) and not kinds):
            section.fault(name, "name each kind once, and at least one")
        if PaymentKind.BANK_DEBIT in kinds and currency not in DEBITED:
            section.fault(name, f"a bank_debit is in {' or '.join(DEBITED)}, not in {currency}")
        if PaymentKind.INVOICE in kinds:
            _check_invoices(section, name, kinds, currency)
    due_days = section.optional("due_days", values.positive, DUE_DAYS)
    sent = {PaymentKind.INVOICE} & {*taken["plan"], *taken["purchases"]}
    if section.has("due_days") and not sent:
        section.fault("due_days", "only an invoice is due after days: `plan: [invoice]`")
    section.close()
    return TakenKinds(**{name: kinds or CARDS for name, kinds in taken.items()}, due_days=due_days)


def _check_invoices(
    section: Section, name: str, kinds: tuple[PaymentKind, ...], currency: str
) -> None:
    if name == "auto":
        section.fault(name, "nobody is sent an invoice for what was not asked for: name a card")
    elif len(kinds) > 1:
        section.fault(name, f"an invoice pays alone, and nothing is charged: `{name}: [invoice]`")
    if currency not in TRANSFERRED:
        section.fault(name, f"an invoice is in {', '.join(TRANSFERRED)}, not in {currency}")


def check_sold_by_invoice(section: Section, plan: Plan) -> None:
    """Refuse to sell by invoice what would be over before its transfer comes."""
    ends = {pack.expires for pack in plan.packs}
    ends |= {plan.extras_expire} if plan.manual else set()
    if plan.takes.sells_by_invoice and ends - {Extras.NEVER}:
        section.fault(
            "payment_methods",
            "what is bought may be over before its invoice is paid: sell by invoice only what"
            " `expires: never`, and `extras_expire: never`",
        )


def check_granted_when_sent(section: Section, plan: Plan) -> None:
    """Refuse to grant when an invoice is sent what would be used up before it is given up."""
    shortest = plan.interval.months * SHORTEST_MONTH or plan.interval.days
    waits = plan.takes.due_days + 1 + plan.grace_days  # it is due when its day is over
    if plan.takes.invoiced and plan.grant_on is GrantOn.PROCESSING and waits >= shortest:
        section.fault(
            "grant_on",
            f"an invoice is given up within {waits} days of being sent, and a period may have"
            f" {shortest}: `grant_on: paid`, or fewer `due_days` and `grace_days`",
        )


def read_tax(section: Section) -> TaxTerms | None:
    """Return how the processor taxes what a plan charges; None: no tax is computed."""
    by = section.optional("tax", values.one_of(TaxBy), TaxBy.NONE)
    behavior = section.optional("tax_behavior", values.one_of(TaxBehavior), TaxBehavior.EXCLUSIVE)
    code = section.optional("tax_code", values.tax_code, "")
    if by is TaxBy.PROCESSOR:
        return TaxTerms(behavior, code)
    for name in ("tax_behavior", "tax_code"):
        if section.has(name):
            section.fault(name, "no tax is computed without `tax: processor`")
    return None


def read_anchor_rule(section: Section, interval: Interval, window: Interval) -> AnchorRule:
    """Return where boundaries are counted from."""
    rule = section.optional("anchor", values.one_of(AnchorRule), AnchorRule.START)
    if rule is AnchorRule.MONTH_FIRST and not (interval.months and window.months):
        section.fault("anchor", "`month_first` needs an interval and a window of whole months")
    return rule


def _accepts(action: Action, credit_type: str) -> bool:
    return any(way.credit_type == credit_type for version in action.rates for way in version.ways)
