"""Every reason a request can be refused for, and what would cure it."""

CURES: dict[str, str] = {
    # the request itself
    "malformed": "send one JSON object of the shape that docs/contract.md gives",
    "unknown_message": "use a signal or update that docs/contract.md names",
    "missing_field": "send every required field",
    "unknown_field": "leave out fields that docs/contract.md does not name",
    "invalid_key": "send a text of 1 to 200 characters that is unique to this request",
    "invalid_quantity": "send a decimal text above zero with at most 6 decimals, up to 10^12",
    "invalid_credits": "send a decimal text with at most 6 decimals",
    "invalid_time": "send an RFC 3339 instant with an offset, such as 2027-01-31T10:00:00Z",
    "invalid_tags": "send at most 20 tags; names and values are texts of 1 to 200 characters",
    "event_in_future": "send the event once its time has come, or mend the sender's clock",
    "idempotency_conflict": "the key has other content: repeat it exactly or take a new key",
    "too_many_events": "send at most 1,000 events in one message",
    "too_many_waiting": "wait until the open purchase or renewal is settled, then send it again",
    # names
    "unknown_action": "use an action of the catalog",
    "unknown_plan": "use a plan of the catalog",
    "unknown_customer": "subscribe the customer first",
    "unknown_charge": "use the id of a charge of this customer",
    "unknown_payment_method": "use a card that the payment processor knows",
    "payment_method_of_another_customer": "use a card of this customer",
    # the wallet
    "insufficient_credits": "buy credits, switch auto-purchase on, or wait for the next allowance",
    "cap_reached": "buy credits by hand, upgrade, or wait for the next allowance window",
    "renewal_pending": "send it again with the same key once the renewal is settled",
    "purchase_pending": "read the status later: the purchase under way decides it",
    "paused:payment_failed": "update the payment method",
    "paused:by_operator": "ask support to resume the subscription",
    "period_closed": "this plan takes no usage of a window that has ended",
    "no_subscription": "subscribe to a plan first",
    "subscription_ended": "subscribe again",
    "not_in_plan": "upgrade to a plan that offers it",
    # purchases and changes
    "auto_purchase_off": "switch auto-purchase on or buy credits by hand",
    "cap_below_unit": "this plan's credits are fewer than one auto-purchase unit: upgrade",
    "invalid_unit": "buy a whole number of the plan's units",
    "no_payment_method": "add a card",
    "declined": "update the payment method",
    "change_under_way": "wait until the open charge is settled",
    "already_subscribed": "end the live subscription first",
    "below_minimum": "buy more at once: the amount is below what the processor can charge",
    "same_plan": "choose another plan",
    "already_canceled": "the subscription already ends",
    "already_paused": "the subscription is already paused by an operator",
    "not_paused": "the subscription is not paused by an operator",
    "not_needed": "nothing to do",
}


def cure(reason: str) -> str:
    """Return the sentence that says what would cure a reason."""
    return CURES[reason]
