"""Every reason a request can be refused for, and what would cure it."""

# What senders of messages meet. docs/contract/reasons.md shows it; a test keeps them equal.
MESSAGES: dict[str, str] = {
    "malformed": "send exactly one JSON object of the shape shown here",
    "unknown_message": "use a signal or update named here",
    "missing_field": "send every required field",
    "unknown_field": "leave out fields that are not named here",
    "invalid_key": "send a text of 1 to 200 characters, your own for this request, that does "
    "not begin with `ledger:`",
    "invalid_quantity": "send a decimal text above zero, up to 10^12, with at most 6 decimals",
    "invalid_threshold": "send `percent` from 1 to 99 or `credits` with a `channel` (`email`, "
    "`in_app`, `both`), each once, at most 10",
    "invalid_time": "send an RFC 3339 instant with an offset, such as 2026-07-31T10:00:00Z",
    "invalid_tags": "send at most 20 tags; names and values are texts of 1 to 200 characters",
    "event_in_future": "send the event once its time has come, or mend the sender's clock",
    "idempotency_conflict": "the key was used with other content: repeat that, or take a new key",
    "too_many_events": "send at most 1,000 events in one message",
    "too_many_waiting": "wait until the open purchase or renewal is settled, then send it again",
}

START: dict[str, str] = {
    "invalid_id": "send 1 to 64 visible ASCII characters, no space; no colon for a subscription",
    "invalid_email": "send one mail address in plain ASCII, such as ada@example.com",
    "wrong_workflow_id": "start it as `subscription:<subscription_id>`",
    "unknown_catalog": "use a catalog that the workers have loaded",
    "unknown_locale": "write it as en_US",
    "unknown_time_zone": "write it as Europe/Berlin",
    "already_subscribed": "end the customer's live subscription first",
}

NAMES: dict[str, str] = {
    "unknown_action": "use an action of the catalog",
    "no_rate": "the action had no price yet at the event's time: send a later event",
    "missing_object": "send the tag that names what the action is about: it is paid for only once",
    "quantity_not_one": "send a quantity of 1: what is paid for once per object is taken whole",
    "unknown_plan": "use a plan of the catalog",
    "unknown_bonus": "use a bonus of the catalog",
    "unknown_customer": "subscribe the customer first",
    "unknown_charge": "use the id of a charge of this customer",
    "unknown_invoice": "use the id of an invoice of the payment processor",
    "unknown_payer": "use the id that the payment processor knows the customer by",
    "unknown_payment_method": "use a card that the payment processor knows",
    "payment_method_of_another_customer": "use a card of this customer",
    "payment_method_refused": "use another card: the payment processor does not take this one",
}

WALLET: dict[str, str] = {
    "insufficient_credits": "buy credits, switch auto-purchase on, or wait for the next allowance",
    "user_limit": "raise the member's limit, or wait for the next allowance window",
    "confirmation_required": "send it again with the same key and `confirmed` true: `asked` says "
    "what it costs",
    "cap_reached": "buy credits by hand, upgrade, or wait for the next allowance window",
    "renewal_pending": "send it again with the same key once the renewal is settled",
    "purchase_needed": "wait: the purchase that it needs is being made",
    "payment_processing": "wait: the payment for more credits is on its way, or buy by hand",
    "purchase_pending": "read the status later: what is under way decides it",
    "paused:payment_failed": "update the payment method, unless a mail says that we look into it",
    "paused:by_operator": "ask support to resume the subscription",
    "unknown_hold": "use the key of a hold of this customer",
    "hold_captured": "the work was paid for already: nothing to do",
    "hold_released": "hold credits again, with a new key",
    "hold_lapsed": "hold credits again, with a new key, and extend it while the work goes on",
    "invalid_lapse": "let it lapse later than now",
    "unknown_event": "use the key of an event that was debited or captured",
    "event_free": "it took no credits: there is nothing to give back",
    "event_held": "the work is still held: capture what it came to, or release it",
    "bought_for_ever": "the object was paid for once and for ever: give credits instead",
    "not_less": "name a quantity below the event's own: more is sent as another event",
    "period_closed": "the plan takes no usage of a window that has ended",
    "no_subscription": "wait until the first period is paid",
    "subscription_ended": "subscribe again, with a new subscription id",
}

TEAMS: dict[str, str] = {
    "approval_not_needed": "send it as usage or as a hold: the plan asks nobody about it",
    "price_changed": "ask again with a new key: it costs more by now than was to be approved",
    "approval_lapsed": "ask again with a new key: nobody decided in time",
    "unknown_approval": "use the subscription and the key of a request",
    "already_decided": "read the request's `status`: somebody decided before",
    "own_request": "let another admin decide: nobody decides on their own request",
    "not_an_admin": "let an admin of the team decide, or make this member one",
    "unknown_member": "add the member first, with `set_member`",
    "member_removed": "add the member again, with `set_member`: only free actions are allowed",
    "member_restricted": "let an admin lift the restriction: only free actions are allowed",
    "unknown_credit_type": "use a credit type of the catalog",
}

CHANGES: dict[str, str] = {
    "not_in_plan": "move to a plan that offers it",
    "auto_purchase_off": "switch auto-purchase on or buy credits by hand",
    "cap_below_unit": "the plan's credits are fewer than one auto-purchase unit: upgrade",
    "invalid_count": "buy 1 to 1,000 packs at once",
    "own_referral": "name the other person who signed up: nobody invites oneself",
    "approval_required": "let a second person approve it; a member asks with `request_approval`",
    "invalid_unit": "buy a whole number of the plan's units",
    "no_payment_method": "add a card",
    "not_a_card": "take a card: bank accounts are not taken yet",
    "declined": "update the payment method",
    "processor_refused": "nothing was charged and your card is not the cause: we look into it; try "
    "again later with a new key",
    "under_review": "what was paid is not what was asked for: we look into it; do not pay again",
    "change_under_way": "wait until the open charge is settled",
    "needs_next_period": "its interval or window differs: let it begin with the next period",
    "outside_period": "wait until the renewal is settled",
    "below_minimum": "buy more at once: the amount is below what the processor can charge",
    "above_maximum": "buy or use less at once: the amount is above what the processor can charge",
    "same_plan": "choose another plan",
    "already_canceled": "the subscription already ends: nothing to do",
    "already_paused": "an operator has paused it already: nothing to do",
    "not_paused": "no operator has paused it: nothing to do",
    "nothing_declined": "no payment has failed: nothing to do",
    "not_needed": "nothing to do",
    "internal_error": "nothing was changed: tell the operators",
}

REFUNDS: dict[str, str] = {
    "above_refundable": "refund at most what the unused credits cost: a preview says how much",
    "charge_not_paid": "wait until the charge is paid, or void it: there is no money to send back",
    "charge_disputed": "wait for the bank: a disputed charge is refunded once the dispute is won",
    "not_refundable": "the pack is sold without refunds: make an `exception` if support agrees",
    "refund_failed": "the processor refused and the credits are back: look there, use a new key",
    "dispute_open": "wait until the bank has decided about the disputed charge",
    "invalid_amount": 'write whole minor units, such as 2700 for $27.00, or "all"',
}

# What operators meet: settings, price lists, mails, the processor's messages, and our own faults.
OPERATORS: dict[str, str] = {
    "invalid_catalog": "mend every line that the message names",
    "already_published": "put back what was published, or make a new version, or re-rate it",
    "invalid_value": "mend the value that the message names",
    "invalid_rate": "give the action a price above zero",
    "invalid_interval": "make the interval at least one unit long",
    "no_allowance": "give the plan an allowance, or a price per credit",
    "unknown_currency": "use an ISO currency that the processor charges in",
    "invalid_ratio": "a fault of ours: report it",
    "invalid_weights": "a fault of ours: report it",
    "invalid_use": "a fault of ours: report it",
    "invalid_grant": "a fault of ours: report it",
    "invalid_credits": "write a decimal of at most 6 decimals",
    "before_anchor": "the instant is before the first period: use a later one",
    "out_of_calendar": "the instant is after the year 9999: use an earlier one",
    "wrong_amount": "compare the processor's invoice with the charge: their amounts differ",
    "invalid_mail": "a fault of ours: report it",
    "invalid_mail_sender": "set MAIL_FROM as `Name <address>`",
    "invalid_smtp_url": "set SMTP_URL as smtp://host:port",
    "bad_signature": "set STRIPE_WEBHOOK_SECRET to the endpoint's own secret",
    "malformed_event": "send the processor's event as it came",
    "database_not_migrated": "run `python cli.py migrate`",
    "search_attributes_missing": "run `python cli.py bootstrap`",
    "unknown_report": "use a report that the message names",
    "missing_tag": "name a tag, such as campaign",
    "invalid_range": "name a first day before the last",
    "report_too_large": "ask for fewer days, or for one customer",
    "unknown_finding": "use a key that `python cli.py findings` lists",
    "reason_missing": "say who looked and what came of it",
    "resource_missing": "the processor does not know the object: look there",
    "amount_not_positive": "a fault of ours: report it",
    "amount_too_small": "charge more at once",
    "amount_too_large": "charge less at once",
    "charge_voided": "open a new charge",
    "invoice_total_differs": "look at the invoice at the processor: someone changed it",
    "payer_balance_not_zero": "clear the customer's balance at the processor",
    "settled_without_payment": "look at the invoice at the processor: it was settled by hand",
    "invalid_idempotency_key": "a fault of ours: report it",
}

CURES: dict[str, str] = {
    **MESSAGES,
    **START,
    **NAMES,
    **WALLET,
    **TEAMS,
    **CHANGES,
    **REFUNDS,
    **OPERATORS,
}


def cure(reason: str) -> str:
    """Return the sentence that says what would cure a reason."""
    return CURES[reason]
