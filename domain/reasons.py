"""Every reason for a refusal, and what would cure it."""

# For senders of messages. docs/contract/reasons.md shows them; a test keeps the two equal.
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
    "event_in_future": "send the event when its time has come, or set the sender's clock right",
    "idempotency_conflict": "the key was used with other content: send that content again or use "
    "a new key",
    "invalid_url": "send an https address on port 443 or 8443, without a user, up to 2,000 "
    "characters",
    "invalid_types": "send types of events that docs/webhooks.md names, or none for all",
    "too_many_events": "send at most 1,000 events in one message",
    "too_many_waiting": "wait until the open purchase or renewal is settled, then send it again",
}

START: dict[str, str] = {
    "invalid_id": "send 1 to 64 visible ASCII characters without spaces; a subscription's id has "
    "no colon",
    "invalid_password": "choose one of 12 to 200 characters",
    "operator_exists": "set its password, or use another address",
    "unknown_operator": "look the address up among the operators",
    "invalid_email": "send one mail address in plain ASCII, such as ada@example.com",
    "invalid_address": "send `country` as two capital letters, such as US, and any other part as a "
    "text of 1 to 200 characters",
    "wrong_workflow_id": "start it as `subscription:<subscription_id>`",
    "unknown_catalog": "use a catalog that the workers have loaded",
    "unknown_locale": "write it as en_US",
    "unknown_time_zone": "write it as Europe/Berlin",
    "already_subscribed": "end the customer's live subscription first",
    "unknown_currency": "use an ISO currency that the processor charges in, of those that the "
    "price list is sold in",
    "other_currency": "a customer pays in one currency: subscribe in the one it has paid in",
}

NAMES: dict[str, str] = {
    "unknown_action": "use an action from the catalog",
    "no_rate": "the action had no price yet at the event's time: send a later event",
    "missing_object": "send the tag that names the object of the action, which is paid for only "
    "once",
    "quantity_not_one": "send a quantity of 1: an action paid for once per object cannot be split",
    "unknown_plan": "use a plan from the catalog",
    "unknown_bonus": "use a bonus from the catalog",
    "unknown_coupon": "check how the code is written: there is no such coupon",
    "unknown_customer": "subscribe the customer first",
    "unknown_endpoint": "use the id of a webhook endpoint that was created",
    "unknown_webhook_event": "use the id of an event that was published",
    "unknown_charge": "use the id of one of this customer's charges",
    "unknown_invoice": "use the payment processor's id of an invoice",
    "unknown_payer": "use the payment processor's id of the customer",
    "unknown_payment_method": "use a card that the payment processor has on file",
    "payment_method_of_another_customer": "use one of this customer's cards",
    "payment_method_refused": "use another card: the payment processor does not accept this one",
}

WALLET: dict[str, str] = {
    "insufficient_credits": "buy credits, switch auto-purchase on, or wait for the next allowance",
    "user_limit": "raise the member's limit, or wait for the next allowance window",
    "confirmation_required": "send it again with the same key and `confirmed` true; `asked` says "
    "what it costs",
    "cap_reached": "buy credits by hand, upgrade, or wait for the next allowance window",
    "renewal_pending": "send it again with the same key once the renewal is settled",
    "purchase_needed": "wait: the purchase it needs is under way",
    "payment_processing": "wait for the payment that is on its way, or buy credits by hand",
    "purchase_pending": "read the status later: the open purchase or renewal decides it",
    "paused:payment_failed": "update the payment method, unless a mail says that we are looking "
    "into it",
    "paused:by_operator": "ask support to resume the subscription",
    "unknown_hold": "use the key of one of this customer's holds",
    "hold_captured": "the work is already paid for: nothing to do",
    "hold_released": "hold credits again, with a new key",
    "hold_lapsed": "hold credits again, with a new key, and extend it while the work goes on",
    "invalid_lapse": "send a `lapses_at` in the future",
    "unknown_event": "use the key of an event that was debited or captured",
    "event_free": "it cost no credits: there is nothing to give back",
    "event_held": "the work is still held: capture the quantity used, or release it",
    "bought_for_ever": "the object was paid for once, for good: give credits instead",
    "not_less": "send a quantity below the event's own; send more usage as another event",
    "period_closed": "the plan accepts no usage for a window that has ended",
    "no_subscription": "wait until the first period is paid",
    "subscription_ended": "subscribe again, with a new subscription id",
}

TEAMS: dict[str, str] = {
    "approval_not_needed": "send it as usage or as a hold: the plan needs no approval for it",
    "price_changed": "ask again with a new key: it costs another amount than the request said",
    "approval_lapsed": "ask again with a new key: nobody decided in time",
    "unknown_approval": "use the subscription and the key of a request",
    "already_decided": "read the request's `status`: it was already decided",
    "own_request": "let another admin decide: nobody decides on their own request",
    "not_an_admin": "let an admin of the team decide, or make this member an admin",
    "unknown_member": "add the member first, with `set_member`",
    "member_removed": "add the member again with `set_member`; until then only free actions are "
    "allowed",
    "member_restricted": "let an admin lift the restriction; until then only free actions are "
    "allowed",
    "unknown_credit_type": "use a credit type from the catalog",
}

CHANGES: dict[str, str] = {
    "not_in_plan": "move to a plan that offers it",
    "auto_purchase_off": "switch auto-purchase on or buy credits by hand",
    "cap_below_unit": "upgrade: the plan's cap is below one auto-purchase unit",
    "invalid_count": "buy 1 to 1,000 packs at once",
    "invalid_expiry": "send `expires_at` in the future or `valid_days` from 1 to 3,660, not both",
    "own_referral": "send the id of another person: nobody can invite themselves",
    "approval_required": "let a second person approve it; a member asks with `request_approval`",
    "invalid_unit": "buy a whole number of the plan's units",
    "no_payment_method": "add a card",
    "payment_method_not_accepted": "make a payment method the default that the plan takes for it, "
    "such as a card",
    "tax_location_missing": "give the payment processor the customer's billing address: without it "
    "the tax is unknown, and nothing is charged",
    "tax_not_computed": "try again later: the payment processor computed no tax, and nothing was "
    "charged",
    "declined": "update the payment method",
    "processor_refused": "nothing was charged and the card is not the cause: we are looking into "
    "it; try again later with a new key",
    "under_review": "the amount paid is not the amount charged: we are looking into it; do not "
    "pay again",
    "change_under_way": "wait until the open charge is settled; one that the bank wants confirmed "
    "is taken back by choosing the plan in force again",
    "needs_next_period": "let it begin with the next period: its interval or window differs",
    "outside_period": "wait until the renewal is settled",
    "below_minimum": "buy more at once: the amount is below what the processor can charge",
    "above_maximum": "buy or use less at once: the amount is above what the processor can charge",
    "coupon_expired": "buy without it, or use another: its time is over",
    "coupon_used_up": "buy without it, or use another: it was redeemed as often as it may be",
    "coupon_already_used": "buy without it, or use another: this customer has used it",
    "coupon_for_first_purchase": "buy without it: it is for the first purchase only",
    "processor_unavailable": "send it again in a minute, with the same key",
    "coupon_not_applicable": "use it for what it takes something off, or buy without it",
    "same_plan": "choose another plan",
    "already_canceled": "the subscription already ends: nothing to do, or take it back with "
    "`uncancel`",
    "not_canceled": "the subscription does not end: nothing to do",
    "already_paused": "an operator has already paused it: nothing to do",
    "not_paused": "no operator has paused it: nothing to do",
    "nothing_declined": "no payment has failed: nothing to do",
    "paid_by_transfer": "transfer the amount of its invoice to the account on it: no card pays it",
    "not_needed": "nothing to do",
    "month_running": "close it once it is over, in UTC",
    "month_closed": "nothing: it is closed already; the report `closed-months` says by whom",
    "figures_changed": "look at the figures again: something was booked or found meanwhile",
    "books_differ": "report it to the operators: the month's figures do not add up",
    "findings_open": "settle the findings about money first, or say why it is closed with them",
    "internal_error": "nothing was changed: report it to the operators",
}

REFUNDS: dict[str, str] = {
    "above_refundable": "refund at most what the unused credits cost; a preview says how much",
    "charge_not_paid": "wait until the charge is paid, or void it: there is nothing to refund yet",
    "nothing_paid": "take the credits back by an adjustment: a coupon took off all of the price, "
    "so that no money can go back",
    "charge_disputed": "wait for the bank: a disputed charge can be refunded once the dispute is "
    "won",
    "not_refundable": "the pack is sold without refunds: send `exception` if support agrees",
    "refund_failed": "the processor refused it and the credits are back: look there, then use a "
    "new key",
    "dispute_open": "wait until the bank has decided the dispute",
    "invalid_amount": 'send whole minor units, such as 2700 for $27.00, or "all"; of a currency '
    "with three decimals whole tens, such as 1880 for KWD 1.880",
}

# For operators: settings, price lists, mails, the processor's messages, and faults of ours.
OPERATORS: dict[str, str] = {
    "invalid_catalog": "fix every line that the message names",
    "invalid_import": "fix every cell that the message names; nothing was imported",
    "already_published": "restore what was published, make a new version, or re-rate it",
    "invalid_value": "fix the value that the message names",
    "invalid_simulation": "choose as much as the message allows",
    "invalid_rate": "give the action a price above zero",
    "invalid_interval": "make the interval at least one unit long",
    "no_allowance": "give the plan an allowance, or a price per credit",
    "invalid_ratio": "a bug on our side: report it",
    "invalid_weights": "a bug on our side: report it",
    "invalid_use": "a bug on our side: report it",
    "invalid_grant": "a bug on our side: report it",
    "invalid_credits": "write a decimal number with at most 6 decimals",
    "before_anchor": "use a later instant: this is before the first period",
    "out_of_calendar": "use an earlier instant: this is after the year 9999",
    "wrong_amount": "compare the processor's invoice with the charge: their amounts differ",
    "invalid_mail": "a bug on our side: report it",
    "invalid_mail_sender": "set MAIL_FROM as `Name <address>`",
    "invalid_smtp_url": "set SMTP_URL as smtp://host:port",
    "bad_signature": "set STRIPE_WEBHOOK_SECRET to the endpoint's own secret",
    "malformed_event": "send the processor's event unchanged",
    "database_not_migrated": "run `python cli.py migrate`",
    "search_attributes_missing": "run `python cli.py bootstrap`",
    "endpoint_taken": "give another name, `bootstrap --endpoint NAME`, and tell it to callers",
    "unknown_scope": "use scopes from usage, read, customer, operator, admin: at least one",
    "unknown_key": "use a key id that `python cli.py keys list` shows",
    "key_revoked": "make a new key: a revoked one never works again",
    "key_replaced": "rotate the key that replaced it",
    "unknown_report": "use one of the reports that the message lists",
    "missing_tag": "name a tag, such as `campaign`",
    "invalid_range": "give a first day before the last",
    "report_too_large": "ask for fewer days, or for one customer",
    "unknown_finding": "use a key that `python cli.py findings` lists",
    "reason_missing": "say who looked into it and what came of it",
    "resource_missing": "the processor does not know the object: check it there",
    "amount_not_positive": "a bug on our side: report it",
    "amount_too_small": "charge more at once",
    "amount_too_large": "charge less at once",
    "charge_voided": "open a new charge",
    "invoice_total_differs": "check the invoice at the processor: someone changed it",
    "payer_balance_not_zero": "clear the customer's balance at the processor",
    "settled_without_payment": "check the invoice at the processor: it was settled by hand",
    "invalid_idempotency_key": "a bug on our side: report it",
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
    """Return the sentence that says how to cure a reason."""
    return CURES[reason]
