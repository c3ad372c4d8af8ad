"""Where each table goes when the ledger is spread over machines by account: said only here.

What belongs to an account lies on one machine, in all tables together. Everything that does not
fit that is here with its reason; `tests/ledger/test_placements.py` compares it with a database.
"""

COLUMN = "account_id"
ANCHOR = "wallets"  # the row that is locked: everything of an account lies where this row does

BY_ACCOUNT = frozenset(
    {
        "approvals",
        "archived_entries",
        "carried",
        "charge_notes",
        "charges",
        "counters",
        "disputes",
        "entries",
        "grants",
        "hold_lines",
        "holds",
        "imports",
        "kept_answers",
        "limits",
        "members",
        "named_requests",
        "notices",
        "operator_acts",
        "outbox",
        "pauses",
        "policies",
        "postings",
        "refunds",
        "refusals",
        "subscriptions",
        "summed_days",
        "thresholds",
        "wallets",
        "webhook_deliveries",
        "webhook_events",
        "windows",
    }
)

# Whole on every machine: a write goes to all of them, a read stays where it is.
REFERENCE = {
    "customers": "found by its own id, its payer and its card, which name no account;"
    " written at sign-up and when a card changes",
}

# On the coordinator only.
LOCAL = {
    "alembic_version": "what the database was migrated to",
    "api_keys": "looked up before any customer is known; a few rows, each read every few seconds",
    "closed_months": "what finance closed, of all accounts together; a row a month",
    "closed_figures": "the sums of those months: no account has a part in them",
    "findings": "facts that may be of no customer we know; a few a day, read by operators",
    "kept_requests": "keys of requests that may name no account, looked up before one is known",
    "operators": "people who run the engine: no account has a part in them",
    "portal_sessions": "links that live for minutes, looked up before any customer is known",
    "webhook_endpoints": "addresses of the seller: no account has a part in them",
    "published": "what price lists promised: no account has a part in it",
}

# Unique keys of tables by account that lack the account. Citus can't have them: they are dropped.
GLOBAL_KEYS = {
    "subscriptions_id": "only the workflow of that id writes the row, after it has looked whose the"
    " id is, and Temporal runs one workflow of an id at a time",
}

# Indexes of tables by account that do not begin with the account: whoever uses one asks every
# shard. None is on the way of usage.
FAN_OUT = {
    "subscriptions_id": "a workflow's first look at its row, and its writes: a few a period",
    "subscriptions_by_coupon": "how often a coupon with a limit was redeemed: at each use of it",
    "subscriptions_by_promotion": "how often a code of the processor with a limit was redeemed",
    "charges_of_invoice": "the processor's messages name the invoice: about two a period",
    "charges_by_coupon": "how often a coupon with a limit was redeemed: at each use of it",
    "charges_by_promotion": "how often a code of the processor with a limit was redeemed",
    "charges_by_id": "a paid invoice whose charge is lost: reconciliation, once a night",
    "named_requests_by_name": "an operator asks what a request did",
    "operator_acts_seconded": "operators look at what waits for a second person",
    "outbox_waiting": "the relays of crossings, alerts and mails: one query a second each",
    "webhook_events_fresh": "the relay of webhooks: one query a second",
    "webhook_events_published": "systems that catch up ask for what is new of all accounts",
    "refusals_recent": "operators ask how many refusals there were of late, of all accounts",
    "webhook_deliveries_listed": "the seller asks what was sent to one endpoint, of all accounts",
    "webhook_deliveries_due": "the relay of webhooks: one query a second for each endpoint",
}

# Functions that the application calls and that name no single account first.
WITHOUT_ACCOUNT = {
    "debit": "takes events of many accounts: there, a call has one event and goes to `debit_one`",
    "check_debits": "reads of many accounts: there, each check goes to `check_debit`",
    "publish_events": "gives what is new of all accounts its place, one at a time",
    "open_wallet": "makes the account: its customer is a row of a reference table",
    "cap_window": "computes",
    "capped": "computes",
    "coupon_code": "computes",
    "coupon_is_left": "counts what all accounts redeemed, one at a time",
    "credits_worth": "computes",
    "disputes_of": "takes a row that was read before, and asks for its account",
    "failed_of": "computes",
    "is_booked": "computes",
    "is_purchased": "computes",
    "is_usable": "computes",
    "net_disputes_of": "takes a row that was read before, and asks for its account",
    "net_refunds_of": "takes a row that was read before, and asks for its account",
    "price_of": "computes",
    "promotion_is_left": "counts what all accounts redeemed, one at a time",
    "receivable_of": "computes",
    "refunds_of": "takes a row that was read before, and asks for its account",
    "returns_book": "computes",
    "serving_refusal": "computes from a wallet's row",
    "tax_in": "computes",
    "unpayable": "computes from the row of a policy",
    "used_of": "computes",
    "wallet_refusal": "computes from a wallet's row",
    "with_tax": "computes",
}
