"""What mails about money must say: paid, owed, given back."""

from datetime import datetime
from typing import Any

from domain.money import Ratio
from tests.truth.reading import Read, plain
from tests.truth.truth import Truth

PURPOSES = {
    "manual_purchase": "extra credits",
    "pack": "extra credits",
    "auto_purchase": "an automatic purchase of credits",
    "upgrade": "your change of plan",
}


def receipt(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books, show = truth.books, truth.books.show
    charge = books.charge(read.key.split("receipt:")[1].removesuffix(":finance"))
    at, amount = charge.settled_at, books.money(charge.amount_minor)
    grant = books.one(
        "SELECT credit_type, nullif(expires_at, 'infinity') AS expires FROM grants"
        " WHERE account_id = :account AND charge_id = :id AND expires_at > :at"
        " ORDER BY part LIMIT 1",
        id=charge.charge_id,
        at=at,
    )
    granted = books.granted(charge.charge_id, grant.credit_type, at)
    truth.says(f"Thank you for your payment of {amount} on {show.day(at)}.")
    for line in payload["lines"]:
        truth.row(plain(line["description"]), books.money(line["amount_minor"]))
    assert sum(line["amount_minor"] for line in payload["lines"]) == charge.amount_minor
    truth.row("Total paid", amount)
    _paid_with(truth, payload)
    truth.row("Credits added", truth.number(granted))
    truth.row("Valid until", show.until(grant.expires) if grant.expires else "they never expire")
    truth.balance(at)
    if charge.kind == "period":
        _period_receipt(truth, charge)
    else:
        _purchase_receipt(truth, charge, granted)


def _paid_with(truth: Truth, payload: dict[str, Any]) -> None:
    """The processor's own names: card and number of the invoice."""
    if payload["card"]:  # else it came by transfer
        truth.row("Card", payload["card"])
    truth.row("Invoice", payload["invoice_number"])


def _period_receipt(truth: Truth, charge: Any) -> None:
    sub = truth.books.subscription
    span = plain(truth.books.show.span(sub.period_start, sub.period_end))
    truth.row("Period", span)
    truth.says(f"({span})")
    truth.says(truth.books.money(charge.amount_minor))
    renewed = truth.books.paid_for_plan_before(charge.charge_id)
    truth.says("Your plan is renewed" if renewed else "Your plan is paid and active")
    truth.next_payment()


def _purchase_receipt(truth: Truth, charge: Any, granted: int) -> None:
    plan, credits_text = truth.books.subscription.plan, truth.books.show.credits(granted)
    auto = charge.kind == "auto_purchase"
    truth.says(f"{credits_text} added{' automatically' if auto else ''}")
    if charge.kind != "pack" and (auto or not charge.surcharge_minor):
        unit = plan["auto" if auto else "manual"]["unit_price"]
        price = truth.books.show.price(Ratio(unit["num"], unit["den"]), charge.currency)
        truth.row("Your plan's price per credit", price)
    if not auto:
        return
    bought, paid, cap, end = _auto(truth, charge.settled_at)
    left = (cap - bought) // plan["auto"]["unit_micro"]
    whole = paid + left * charge.amount_minor // (granted // plan["auto"]["unit_micro"])
    truth.says(f"so we bought {credits_text} for you")
    truth.says(
        f"so far: {truth.number(bought)} of at most {truth.books.show.credits(cap)} until"
        f" {plain(truth.books.show.until(end))}. That is {truth.books.money(paid)} of at most"
        f" {truth.books.money(whole)}."
    )


def _auto(truth: Truth, at: datetime) -> tuple[int, int, int, datetime]:
    """Return what auto-purchase bought in a window by an instant, its price, the cap, the end."""
    books = truth.books
    window = books.one(
        "SELECT window_start, window_end FROM windows WHERE account_id = :account"
        " AND window_start <= :at AND window_end > :at",
        at=at,
    )
    row = books.one(
        "SELECT coalesce(sum(quantity), 0)::bigint AS bought,"
        "       coalesce(sum(amount_minor), 0)::bigint AS paid FROM charges"
        " WHERE account_id = :account AND kind = 'auto_purchase' AND state = 'paid'"
        "   AND window_start = :start AND settled_at <= :at",
        start=window.window_start,
        at=at,
    )
    return row.bought, row.paid, books.subscription.plan["auto"]["cap_micro"], window.window_end


def payment_failed(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    charge = books.charge(read.key.split("payment-failed:")[1])
    amount = books.money(charge.amount_minor)
    first = not books.paid_for_plan_before(charge.charge_id)
    what = PURPOSES.get(charge.kind) or (
        "the first period of your plan" if first else "the renewal of your plan"
    )
    truth.says(f"We tried to charge {amount} for {what}.")
    truth.row("Amount", amount)
    if payload["card"]:
        truth.row("Card", payload["card"])
        truth.says(payload["card"])
    note = books.one("SELECT note FROM charge_notes WHERE account_id = :account"
                     " AND charge_id = :id", id=charge.charge_id)  # fmt: skip
    retry = note.note.get("retry_at") if note and charge.state == "open" else None
    paused = books.one("SELECT 'payment_failed' = ANY (paused_by) AS unpaid FROM wallets"
                       " WHERE account_id = :account")  # fmt: skip
    if retry:
        moment = truth.moment(datetime.fromisoformat(retry))
        truth.row("Next try", moment)
        truth.says(f"We will try again on {moment}.")
        truth.says(plain(books.show.short_day(datetime.fromisoformat(retry))))
    elif charge.kind in ("period", "auto_purchase") and "paused" in read.prose:
        truth.row("Next try", "when the card is updated")
    if charge.kind in ("manual_purchase", "pack", "upgrade"):
        truth.never.append("paused for now")
    elif "paused for now" in read.prose:
        assert paused.unpaid, "the mail says paused and the wallet is not"
    _patience(truth, read, charge)


def _patience(truth: Truth, read: Read, charge: Any) -> None:
    """What serves meanwhile, and when the subscription ends if it stays unpaid."""
    books = truth.books
    wallet = books.one("SELECT kept_until FROM wallets WHERE account_id = :account")
    note = books.one("SELECT note FROM charge_notes WHERE account_id = :account"
                     " AND charge_id = :id", id=charge.charge_id)  # fmt: skip
    if charge.state != "open" or charge.kind != "period":
        return
    if wallet.kept_until is not None and "paused" in read.prose:
        until = truth.moment(wallet.kept_until)
        truth.says(f"Credits that you bought work until {until}; everything else")
    ends_at = note.note.get("ends_at") if note else None
    if ends_at:
        end = truth.moment(datetime.fromisoformat(ends_at))
        truth.says(f"If it is not paid by {end}, your plan ends then.")
    else:
        truth.never.append("your plan ends then")


def on_its_way(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    charge = books.charge(read.key.split("on-its-way:")[1])
    amount = books.money(charge.amount_minor)
    assert charge.state == "processing", "the money has come, or is given up"
    truth.says(f"{amount} is on its way")
    truth.says(f"Your payment of {amount} for {PURPOSES[charge.kind]} has been started.")
    truth.row("Amount", amount)
    if payload["card"]:
        truth.row("Paid with", payload["card"])
    if payload["expected_by"]:  # the processor's word
        expected = datetime.fromisoformat(payload["expected_by"])
        truth.row("Expected by", books.show.day(expected))


def looked_into(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    charge = books.charge(read.key.split("looked-into:")[1])
    amount = books.money(charge.amount_minor)
    found = books.one(
        "SELECT kind FROM findings WHERE charge_id = :id ORDER BY at DESC", id=charge.charge_id
    )
    assert found is not None, "nobody looks into it"
    truth.says(f"We are looking into your payment of {amount}")
    truth.row("Amount", amount)
    if found.kind == "amount_differs":
        truth.says(f"that differs from the {amount} we charged")
        assert charge.state != "paid"
    else:
        truth.says(f"We could not charge {amount}")


def paused(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    if "paused-by-operator:" in read.key:
        at = datetime.fromisoformat(read.key.split("paused-by-operator:")[1])
        truth.balance(at, "Credits kept for you")
        truth.lots(at)
        truth.says("While the plan is paused nothing is charged, and it is not renewed.")
        return
    charge = truth.books.charge(read.key.split("paused:")[1])
    owed = truth.books.money(charge.amount_minor)
    truth.says(f"We tried several times to collect {owed}")
    truth.never.append("we charge nothing")
    truth.row("Still to pay", owed)
    _patience(truth, read, charge)
    truth.balance(truth.books.now, "Credits kept for you")
    truth.lots(truth.books.now)


def resumed(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    wallet = books.one("SELECT paused_by FROM wallets WHERE account_id = :account")
    assert wallet.paused_by == [], f"not everything works again: {wallet.paused_by}"
    text = read.key.split(":resumed")[1].split(":", 1)[1]
    at = datetime.fromisoformat(text)
    paid = books.one(
        "SELECT amount_minor FROM charges WHERE account_id = :account AND state = 'paid'"
        " AND settled_at = :at AND kind IN ('period', 'auto_purchase', 'manual_purchase', 'pack')",
        at=books.at,
    )
    if "Nothing had to be paid" in read.prose:
        assert "by-operator" in read.key or paid is None
    else:
        truth.says(f"your payment of {books.money(paid.amount_minor)} went through")
        truth.says(payload["card"])
    truth.balance(max(at, books.at))
    truth.lots(max(at, books.at))
    truth.next_payment()


def cap_reached(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    end = datetime.fromisoformat(read.key.split("cap-reached:")[1])
    bought, paid, cap, window_end = _auto(truth, truth.books.at)
    assert end == window_end
    truth.says(f"The limit resets after {plain(truth.books.show.until(end))}.")
    truth.says(f"its limit of {truth.books.show.credits(cap)}")
    truth.row("Bought automatically", truth.number(bought))
    truth.row("Limit", truth.number(cap))
    truth.row("Paid for it", truth.books.money(paid))
    truth.balance()


def refunded(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    refund = books.one("SELECT * FROM refunds WHERE account_id = :account AND recorded_at <= :until"
                       " ORDER BY recorded_at DESC LIMIT 1")  # fmt: skip
    amount = books.money(refund.amount_minor)
    taken = books.one("SELECT coalesce(-sum(e.change), 0)::bigint AS n FROM entries e"
                      " JOIN grants g USING (account_id, grant_id)"
                      " WHERE account_id = :account AND e.kind = 'refund' AND g.cost_minor > 0"
                      " AND e.tags ->> 'refund' = :id", id=refund.refund_id)  # fmt: skip
    truth.row("Refunded", amount)
    if taken.n:
        truth.row("Credits taken back", truth.number(taken.n))
    truth.balance(books.now)
    truth.says(f"On {books.show.day(books.now)} we sent {amount} back")
    truth.says("within 5 to 10 days")


def disputed(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    books = truth.books
    dispute = books.one("SELECT * FROM disputes WHERE account_id = :account ORDER BY at DESC")
    amount = books.money(dispute.amount_minor)
    grants = books.one("SELECT coalesce(sum(refunded), 0)::bigint AS taken,"
                       " coalesce(sum(owed), 0)::bigint AS owed FROM grants"
                       " WHERE account_id = :account AND charge_id = :id AND cost_minor > 0",
                       id=dispute.charge_id)  # fmt: skip
    truth.says({"open": f"A payment of {amount} to us was disputed with your bank",
                "won": f"the payment of {amount} stands",
                "lost": f"the payment of {amount} goes back to you"}[dispute.state])  # fmt: skip
    truth.row("Amount", amount)
    if grants.taken:
        label = "Credits set aside" if dispute.state == "open" else "Credits taken back"
        truth.row(label, truth.number(grants.taken))
    if grants.owed:
        truth.row("Used but not paid for", books.show.credits(grants.owed))
    truth.balance(books.now)
    auto = books.one("SELECT auto_on FROM policies WHERE account_id = :account")
    assert not auto.auto_on, "the mail says that automatic purchases are off"


def invoice_copy(truth: Truth, read: Read, payload: dict[str, Any]) -> None:
    charge = truth.books.one(
        "SELECT * FROM charges WHERE account_id = :account AND state = 'paid'"
        " ORDER BY settled_at LIMIT 1"
    )
    truth.row("Total", truth.books.money(charge.amount_minor))
    truth.says(truth.books.money(charge.amount_minor))
    # The processor's own clock is the real one.
    truth.row("Issued", truth.books.show.day(datetime.fromisoformat(payload["issued_at"])))
    truth.says(f"Invoice {payload['number']}")
    truth.says("It is paid: there is nothing to do.")
