"""What each key of a price list means, in words for sellers: docs/catalog.md is made of them.

A key is its path, with `[]` for each item of a list. What it takes, whether it is required and its
default are the reader's to say; what it looks like is in `examples/every_key.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from catalogs import coupons, policies


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means; `without` says what holds where it is left out and has no default."""

    meaning: str
    without: str = ""


def _under(place: str, keys: Mapping[str, Key]) -> dict[str, Key]:
    return {f"{place}.{name}": key for name, key in keys.items()}


_TYPE = Key("which credits, an id of `credit_types`")
_ID = Key("its name for programs, used once in the list")
_NAME = Key("its name for people")
_SCOPE = Key(
    "the actions that these credits may pay; each must take their type",
    "every action that takes the type",
)
_UNIT_PRICE = Key("what one credit costs; `plan`: the plan's own price ÷ its own one allowance")
_VOLUME = Key(
    "discounts on larger purchases: the highest tier reached, off the whole; each begins above the"
    " one before it and takes more",
    "none",
)
_TIER = {
    "from": Key("credits in one purchase from which it counts"),
    "percent_off": Key("what it takes off; above 0, below 100"),
}
_GIFT_ENDS = {
    "expires": Key(
        "when they end: with the window, with the billing period, or never", "as `valid_days` says"
    ),
    "valid_days": Key("they end so many times 24 hours after they are given", "as `expires` says"),
}
_ALLOWANCE = {
    "type": _TYPE,
    "quantity": Key("credits granted in each window"),
    "scope": _SCOPE,
    "share": Key("its weight when the plan's price is spread over several allowances"),
    "rollover": Key("what is unused at a window's end moves into the next", "unused credits end"),
    "rollover.share_percent": Key(
        "how much of what is unused moves; above 0, at most 100", "all, up to `amount`"
    ),
    "rollover.amount": Key("the most that moves, in credits", "the share alone decides"),
    "rollover.times": Key("how often the same credits may move"),
}

KEYS: dict[str, Key] = {
    "name": Key("its name for programs: `catalog` in the contract's `start`; one list has it"),
    "version": Key(
        "of the list; bonuses, time zone and what actions do beside their rates change with it only"
    ),
    "brand": Key("who sells, as mails and pages say it"),
    "currency": Key(
        "of its prices; in a list of several each price is written for each of them, and customers"
        " who choose none at their start pay in the first"
    ),
    "time_zone": Key("where days and months begin for customers who name no zone of their own"),
    "credit_types": Key("the units that can be held and used"),
    "actions": Key("what the product does, and what that costs"),
    "bonuses": Key("credits given for events outside billing, once for each key", "none"),
    "packs": Key("fixed blocks of credits at a fixed price; a plan sells those it names", "none"),
    "coupons": Key("codes that take something off what is bought", "none"),
    "defaults": Key(
        "any key of a plan, for the plans that leave it out; a key is taken whole, null is none",
        "nothing is inherited",
    ),
    "plans": Key("what is subscribed to, and by which rules"),
    **_under(
        "credit_types[]",
        {
            "id": _ID,
            "name": _NAME,
            "decimals": Key("decimals that people are shown, at most 6; nothing is rounded by it"),
        },
    ),
    **_under(
        "actions[]",
        {
            "id": _ID,
            "name": _NAME,
            "rates": Key("its prices, each from an instant on, the earliest first"),
            "once_per": Key(
                "the tag that names an object: the same object is paid for once, for ever",
                "every use is paid for",
            ),
            "at_zero": Key(
                "what happens when the credits do not suffice: auto-purchase where it is switched"
                " on, a refusal, a refusal with an offer, the action of `degrades_to` in its place,"
                " or service on credit down to the plan's `overdraft`"
            ),
            "degrades_to": Key("the action served in its place, only with `degrade`", "none"),
        },
    ),
    **_under(
        "actions[].rates[]",
        {
            "from": Key(
                "the event's own time from which it counts; then it does not change any more",
                "it always counted",
            ),
            "pay": Key(
                "ways of paying: the first pays what it can, the next one the rest; [] is free"
            ),
        },
    ),
    **_under(
        "actions[].rates[].pay[]",
        {
            "with": _TYPE,
            "cost": Key("credits for each `per` of the action's quantity"),
            "per": Key("how much of the action costs so many credits"),
            "rounding": Key("`exact` to six decimals, or each started `per` of one event in full"),
            "ask": Key(
                "whether a person agrees first: never, once for each action and window, or"
                " every time"
            ),
        },
    ),
    **_under(
        "bonuses[]",
        {
            "id": _ID,
            "name": _NAME,
            "type": _TYPE,
            "quantity": Key("credits given"),
            **_GIFT_ENDS,
        },
    ),
    **_under(
        "packs[]",
        {
            "id": _ID,
            "name": _NAME,
            "type": _TYPE,
            "quantity": Key("credits in it"),
            "price": Key("of the whole pack, above 0"),
            "expires": Key("when they end: with the window, with the billing period, or never"),
            "scope": _SCOPE,
            "volume": _VOLUME,
            "refundable": Key("`false`: refunded by an exception of support only"),
        },
    ),
    **_under("packs[].volume[]", _TIER),
    **{path: Key(*told) for path, told in (coupons.MEANINGS | policies.MEANINGS).items()},
    **_under(
        "plans[]",
        {
            "id": Key("its name for programs; with its `version` used once in the list"),
            "version": Key(
                "of the plan, which changes with it only; customers keep theirs until migrated"
            ),
            "family": Key("plans of one product line, which a pricing page shows as one"),
            "public": Key(
                "`false`: not shown by the price list that a pricing page reads, nor offered in the"
                " console, such as a plan made for one customer; an API key starts it by its id;"
                " may be changed at any time"
            ),
            "name": _NAME,
            "price": Key("of one interval; 0 is a free plan, which sells nothing else"),
            "interval": Key("how often it is charged"),
            "window": Key(
                "how often allowances are granted; it divides the interval", "the interval"
            ),
            "anchor": Key(
                "boundaries are counted from the start, or from the first of a month;"
                " the latter needs whole months"
            ),
            "allowances": Key("what it includes in each window; a paid plan includes some"),
            "trial": Key("days before the first charge, once for each customer", "none"),
            "starter": Key("credits given once, with a customer's first period", "none"),
            "packs": Key("ids of the packs it sells; only paid plans do", "none"),
            "manual": Key("buying credits by hand; only paid plans do", "not sold"),
            "auto": Key(
                "buying credits at a shortfall, where the customer switched it on; only"
                " paid plans do",
                "not sold",
            ),
            "companions": Key("credits of another type that come with purchased ones", "none"),
            "extras_expire": Key(
                "when credits bought by hand or automatically end: with the"
                " window, with the billing period, or never"
            ),
            "overdraft": Key("service on credit, for actions with `at_zero: overdraft`", "none"),
            "debt_repaid_from": Key("which new credits repay a debt first: bought ones, or all"),
            "tie_break": Key(
                "which of two grants is used first that have the same priority and end"
            ),
            "priorities": Key("which kind of grant is used first", "each as below"),
            "late_usage": Key(
                "usage of a window that is over: taken from today's credits, from"
                " that window's own while `reopen_days` last, or refused"
            ),
            "reopen_days": Key("days after a window's end in which it takes usage; with `reopen`"),
            "renewal_dunning": Key(
                "days after the first decline on which a renewal is tried again,"
                " rising; [] for never"
            ),
            "resume_on": Key(
                "what ends the pause after a failed payment: a usable card, or any paid charge"
            ),
            "while_unpaid": Key(
                "what serves while a renewal is unpaid or its money on its way: nothing, or what"
                " was bought before"
            ),
            "after_dunning": Key(
                "what follows the last attempt and the days of grace: it waits for"
                " a card, or the subscription ends"
            ),
            "grace_days": Key("days between the last attempt, or an invoice's day, and that end"),
            "payment_methods": Key(
                "which kinds of payment methods it takes for what; another kind as the customer's"
                " default is refused as `payment_method_not_accepted`",
                "cards, for everything",
            ),
            "upgrade": Key(
                "an upgrade to it: `prorate` charges the rest of the period and gives all credits,"
                " `prorate_credits` gives the rest's; `restart` begins a period, the old one's rest"
                " taken off"
            ),
            "tax": Key(
                "who computes the tax of every charge: nobody, or the payment processor, by where"
                " the customer is; without a place nothing is charged (`tax_location_missing`)"
            ),
            "tax_behavior": Key(
                "whether that tax is added to the plan's prices, or is a part of them; only with"
                " `tax: processor`"
            ),
            "tax_code": Key(
                "what is sold, by the processor's list of tax codes; only with `tax: processor`",
                "the code that the processor's account has",
            ),
            "approval_above": Key(
                "credits above which one operation needs a second person", "none does"
            ),
            "approval_days": Key("days that such a request waits for one"),
            "adjustment_limit": Key(
                "credits above which an operator's adjustment needs a second person", "none does"
            ),
            "alerts": Key("balances at which people are told, each once in a window", "none"),
            "expiry_warning_days": Key(
                "days before credits end on which people are told, falling", "nobody is told"
            ),
        },
    ),
    **_under("plans[].allowances[]", _ALLOWANCE),
    **_under(
        "plans[].payment_methods",
        {
            "plan": Key("what pays it and changes to it; `[invoice]` is paid by transfer", "cards"),
            "due_days": Key("days after which an `invoice` is due", "30"),
            "purchases": Key(
                "what pays packs and credits bought by hand; `[invoice]`: what never expires",
                "cards",
            ),
            "auto": Key(
                "what it charges; nothing is bought beside a `bank_debit` on its way", "cards"
            ),
        },
    ),
    **_under(
        "plans[].trial",
        {
            "days": Key("whole days in the customer's zone"),
            "allowances": Key("what is granted for the trial; it ends with it", "the plan's own"),
        },
    ),
    **_under(
        "plans[].trial.allowances[]",
        {"type": _TYPE, "quantity": Key("credits granted for all its days"), "scope": _SCOPE},
    ),
    **_under(
        "plans[].starter[]",
        {"type": _TYPE, "quantity": Key("credits given"), **_GIFT_ENDS, "scope": _SCOPE},
    ),
    **_under(
        "plans[].manual",
        {
            "type": _TYPE,
            "unit": Key("credits are bought in whole units of so many"),
            "unit_price": _UNIT_PRICE,
            "scope": _SCOPE,
            "volume": _VOLUME,
        },
    ),
    **_under("plans[].manual.volume[]", _TIER),
    **_under(
        "plans[].auto",
        {
            "type": _TYPE,
            "unit": Key("a purchase is the fewest whole units of so many credits that suffice"),
            "unit_price": _UNIT_PRICE,
            "surcharge_percent": Key("how much dearer than `unit_price`; 0 for none"),
            "cap": Key(
                "the most credits bought in a window; `window_allowance`: as many as the"
                " plan grants in it; rounded down to whole units"
            ),
            "cap_window": Key(
                "windows in which the cap counts; they divide the interval; `cap` is a number then",
                "the plan's window",
            ),
            "dunning": Key(
                "days after a decline on which it is tried again, rising; []: not before a new card"
            ),
        },
    ),
    **_under(
        "plans[].companions[]",
        {
            "type": _TYPE,
            "per_credit": Key("credits of this type for each purchased one"),
        },
    ),
    **_under("plans[].overdraft", {"type": _TYPE, "limit": Key("the most credits owed")}),
    **_under(
        "plans[].priorities",
        {
            "allowance": Key("what the plan includes; lower is used first, at most 1000"),
            "bonus": Key("what is given: bonuses, starters, adjustments"),
            "rollover": Key("what moved from the window before"),
            "pack": Key("everything bought, companions too"),
            "overdraft": Key("service on credit"),
        },
    ),
    **_under(
        "plans[].alerts[]",
        {
            "percent": Key("of the window's credits, below 100; either this or `credits`", "none"),
            "credits": Key("a balance; either this or `percent`", "none"),
            "channel": Key("how people are told"),
            "rearm_on_purchase": Key(
                "whether a purchase that lifts the balance above it arms it"
                " again in the same window"
            ),
        },
    ),
}
