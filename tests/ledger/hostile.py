"""Invalid arguments for every function that the application may call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.builders import MONTH_END, NOON, START

_keys = count(1)

CALLABLE = """
SELECT p.oid::regprocedure::text, p.proname, p.proargnames[:p.pronargs],
       ARRAY(SELECT coalesce(b.typname, t.typname)
             FROM unnest(p.proargtypes) WITH ORDINALITY u (o, n) JOIN pg_type t ON t.oid = u.o
             LEFT JOIN pg_type b ON b.oid = t.typbasetype ORDER BY u.n)::text[],
       p.provolatile
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
  AND p.prorettype <> 'trigger'::regtype
  AND has_function_privilege('drawdown_app', p.oid, 'EXECUTE')
ORDER BY 1
"""

LONG = "".join(f"{n * n % 1_000_003:x}" for n in range(20_000))  # does not compress
LOWEST, HIGHEST = -(2**63), 2**63 - 1
HOSTILE = {
    "int8": [None, LOWEST, -1, 0, HIGHEST],
    "numeric": [None, -1, 0, 10**40],
    "int4": [None, -(2**31), -1, 0, 2**31 - 1],
    "int2": [None, -(2**15), -1, 0, 2**15 - 1],
    "bool": [None, True],
    "text": [None, "", LONG, "ledger:", "\u202e%s'\"{}"],
    "entry_kind": [None, "grant"],
    "jsonb": [
        None,
        *map(
            Jsonb,
            [
                None,
                [],
                "x",
                5,
                {},
                {"attempts": 1},
                {"attempts": [{"action": "operation", "ways": 3}]},
                {"attempts": [], "counters": 7, "once": [], "confirmed": "perhaps"},
                {"credits": -1},
                {"credits": 10**30},
                {"credits": "many"},
            ],
        ),
    ],
    "interval": [None, "-1 day", "0", "178000000 years"],
    "timestamptz": [
        None,
        "-infinity",
        "infinity",
        "4713-01-01 BC",
        "294276-12-31",
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
}
ROWS = ("grants", "charges", "wallets", "policies", "holds")
CASTS = {**{name: name for name in HOSTILE}, **{f"_{name}": f"{name}[]" for name in HOSTILE}}

TERMS = {
    "attempts": [
        {
            "action": "operation",
            "ways": [{"credit_type": "credits", "credits": 1, "per": 1, "started": False}],
        }
    ],
    "counters": ["member:ada"],
    "at_zero": "block",
}


# A constraint of an argument's type, the type, and a value that breaks it alone.
OF_ARGUMENTS = (
    ("a_name_length", "a_name", "x" * 501),
    ("a_name_if_any_length", "a_name_if_any", "x" * 501),
    ("some_names_given", "some_names", "{a,NULL}"),
    ("some_names_length", "some_names", "{a," + "x" * 501 + "}"),
    ("wording_length", "wording", "x" * 10_001),
    ("an_instant_readable", "an_instant", "infinity"),
    ("an_expiry_readable", "an_expiry", "10000-01-01Z"),
    ("some_instants_given", "some_instants", "{NULL}"),
    ("some_instants_readable", "some_instants", "{-infinity}"),
    ("a_while_positive", "a_while", "-1 second"),
    ("some_credits_size", "some_credits", "0"),
    ("credits_or_none_size", "credits_or_none", "-1"),
    ("some_money_size", "some_money", "-1"),
    ("a_priority_size", "a_priority", "32768"),
    ("a_tax_behavior", "a_tax", '{"behavior": "none"}'),
    ("a_count_size", "a_count", "-1"),
    ("credits_by_type_object", "credits_by_type", "[]"),
    ("credits_by_type_size", "credits_by_type", '{"credits": 0.5}'),
)


@dataclass(frozen=True)
class Callable:
    """A function as the database's catalog describes it."""

    signature: str
    name: str
    arguments: tuple[str, ...]
    types: tuple[str, ...]
    is_read: bool


def callables(connection: psycopg.Connection) -> list[Callable]:
    """Return every function that the application may call."""
    rows = connection.execute(CALLABLE).fetchall()
    return [
        Callable(
            signature=signature,
            name=name,
            arguments=tuple(arguments or ()),
            types=tuple(types),
            is_read=volatile != "v",
        )
        for signature, name, arguments, types, volatile in rows
    ]


# What an argument of a name means on the wallet of `prepare`, in any function.
USUAL: dict[str, object] = {
    "p_member": "ada",
    "p_state": "made",
    "p_kind": "period",
    "p_at": NOON,
    "p_event_at": NOON,
    "p_until": MONTH_END,
    "p_revision": 0,
    "p_before": NOON,
    "p_effective_at": START,
    "p_expires_at": MONTH_END,
    "p_lapses_at": MONTH_END,
    "p_window_start": START,
    "p_window_end": MONTH_END,
    "p_start": START,
    "p_end": NOON,
    "p_instants": [START, NOON],
    "p_marks": [1, 2],
    "p_cap_bounds": [START, MONTH_END],
    "p_starts": [MONTH_END],
    "p_ends": [datetime(2027, 3, 1, tzinfo=UTC)],
    "p_currency": "USD",
    "p_credit_type": "credits",
    "p_credit_types": ["credits"],
    "p_counters": ["consent:a:credits"],
    "p_kinds": ["card"],
    "p_source": "bonus",
    "p_cause": "by_operator",
    "p_role": "member",
    "p_limits": Jsonb({"credits": 5}),
    "p_terms": Jsonb(TERMS),
    "p_wish": Jsonb({"want": 1}),
    "p_tags": Jsonb({"a": "b"}),
    "p_waits": "7 days",
    "p_thresholds": ["low"],
    "p_percents": [20],
    "p_amounts": [None],
    "p_rearms": [False],
    "p_refusal": "user_limit",
    "p_channels": ["email"],
    "p_cost_minor": 0,
    "p_tax_minor": 20,
    "p_discount_minor": 20,
    "p_first": False,
    "p_tax": Jsonb({"behavior": "exclusive", "lines": []}),
    "p_amount_minor": 100,
    **dict.fromkeys(("p_pack", "p_scope", "p_roll_cap", "p_part", "p_by", "p_takes")),
}
OF_TYPE = {"int8": 1, "int4": 1, "int2": 1, "numeric": 1, "bool": True}
OF_FUNCTION: dict[str, dict[str, object]] = {
    "note_dispute": {"p_state": "open"},
    "settle_approval": {"p_state": "refused", "p_by": "boss", "p_key": "asked"},
    "may_decide": {"p_state": "refused", "p_by": "boss", "p_key": "asked"},
    "lapse_approval": {"p_key": "asked"},
    "ask_approval": {"p_kind": "operation"},
    "open_charge": {"p_kind": "period", "p_quantity": None},
    "tax_charge": {"p_charge": "open"},
    "redeem_coupon": {"p_charge": "open"},
    "discount_period": {"p_charge": "open"},
    "take_up_charge": {"p_kind": "manual_purchase", "p_pack": None, "p_surcharge_minor": 0},
    "put_thresholds": {"p_own": True},
    "correct_usage": {"p_event": "used"},
    "grant_credits": {"p_charge": None},
    **{f"{end}_hold": {"p_key": "held"} for end in ("capture", "extend", "release")},
    **{
        f"mark_{state}": {"p_charge": "open"}
        for state in ("paid", "declined", "void", "processing")
    },
}


def sound(one: Callable, account: int, subscription: str) -> list[object]:
    """Return arguments that mean something on the wallet of `prepare`."""
    made = USUAL | _fresh(one, account, subscription) | OF_FUNCTION.get(one.name, {})
    if one.name in ("debit", "check_debits"):
        made |= _batch(account)
    return [
        account if kind in ROWS else made.get(argument, OF_TYPE.get(kind, f"text-{next(_keys)}"))
        for argument, kind in zip(one.arguments, one.types, strict=True)
    ]


def _fresh(one: Callable, account: int, subscription: str) -> dict[str, object]:
    """Return names that no call before had, and those of the wallet."""
    openers = {"open_charge", "reserve_auto_purchase", "take_up_charge", "book_import"}
    opens = one.name in openers
    return {
        "p_account": account,
        "p_subscription": subscription,
        "p_charge": f"charge-{next(_keys)}" if opens else f"{subscription}:period:0",
        "p_refund": f"refund-{next(_keys)}",
        "p_dispute": f"dispute-{next(_keys)}",
        "p_key": f"key-{next(_keys)}",
    }


def _batch(account: int) -> dict[str, object]:
    return {
        "p_account": [account, account],
        "p_key": [f"batch-{next(_keys)}", f"batch-{next(_keys)}"],
        "p_action": ["operation"] * 2,
        "p_quantity": [1, 1],
        "p_credit_type": ["credits"] * 2,
        "p_amount": [1, 1],
        "p_event_at": [NOON, NOON],
        "p_tags": [None, Jsonb({"a": "b"})],
        "p_terms": None,
        "p_revision": [0, 0],
    }


def bent(one: Callable, arguments: list[object]) -> Iterator[tuple[str, list[object]]]:
    """Yield a fault and arguments with one of them invalid; then with none given."""
    for place, (name, kind) in enumerate(zip(one.arguments, one.types, strict=True)):
        for value in _bent_values(kind, arguments[place]):
            yield f"{name} = {_short(value)}", [*arguments[:place], value, *arguments[place + 1 :]]
    yield "nothing given", [None] * len(arguments)


def _short(value: object) -> str:
    return repr(value.obj if isinstance(value, Jsonb) else value)[:60]


def _bent_values(kind: str, value: object) -> Iterator[object]:
    if kind in ROWS:
        yield None
    elif kind.startswith("_"):
        elements = list(value) if isinstance(value, list) else [None]
        yield from (None, [], elements + elements[:1], elements[:-1], [elements, list(elements)])
        if isinstance(elements[-1], datetime):
            elements = [str(element) for element in elements]
        for hostile in HOSTILE[kind[1:]]:
            last = str(hostile) if isinstance(hostile, datetime) else hostile
            yield [*elements[:-1], last]
    else:
        yield from HOSTILE[kind]


def statement(one: Callable) -> sql.Composed:
    """Return a call with a placeholder for each argument."""
    casts = [
        sql.SQL("(SELECT t FROM {} t WHERE t.account_id = %s LIMIT 1)").format(sql.Identifier(kind))
        if kind in ROWS
        else sql.SQL("%s::" + CASTS[kind])
        for kind in one.types
    ]
    call = sql.SQL("SELECT * FROM {}({})")
    return call.format(sql.Identifier(one.name), sql.SQL(", ").join(casts))
