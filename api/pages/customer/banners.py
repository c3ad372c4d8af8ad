"""What stands above every page: what is wrong with the subscription, and the button that cures."""

from dataclasses import dataclass, replace

from api.pages.customer.page import address
from api.pages.customer.visits import Visit
from domain.reasons import CURES
from domain.subscription import Pause, Status


@dataclass(frozen=True, slots=True)
class Banner:
    """`tone` is `bad`, `warn` or `info`; `label` "": there is nothing to click."""

    tone: str
    headline: str
    text: str
    label: str = ""
    link: str = ""


def banner_of(visit: Visit) -> Banner | None:
    """Return the most urgent thing that the customer should know; None: all is well."""
    kept, wallet = visit.standing, visit.standing.wallet
    if kept.status is Status.ENDED:
        text = "Credits that never expire are kept, and can be used when a paid plan begins."
        return Banner("warn", "This subscription has ended", text)
    unpaid = Pause.PAYMENT_FAILED in wallet.paused_by
    if not unpaid and Pause.BY_OPERATOR in wallet.paused_by:
        note = next((one for one in reversed(kept.pauses) if one.paused), None)
        text = f"{note.reason.rstrip('.')}. " if note and note.reason else ""
        return Banner("bad", "Paused by our support", f"{text}Reply to our mail to go on.")
    if unpaid or kept.status in (Status.PENDING, Status.PAST_DUE):
        takes = visit.plan.takes
        by_invoice = takes.invoiced and not (unpaid and visit.plan.auto)  # a card may have failed
        said = _invoiced(visit, unpaid=unpaid) if by_invoice else _charged(visit, unpaid=unpaid)
        return said if visit.is_admin else replace(said, label="", link="")
    return _note(visit)


def _charged(visit: Visit, *, unpaid: bool) -> Banner:
    """Return what a declined or missing payment by card or account means."""
    card = ("Update the payment method", address("payment"))
    if unpaid:
        text = "A payment was declined, so nothing can be used until it is paid."
        if visit.standing.wallet.refusal is None:
            text = "A payment was declined. What you have can be used meanwhile."
        return Banner("bad", "Paused: a payment failed", text, *card)
    if visit.standing.status is Status.PENDING:
        text = "Your plan begins as soon as its first payment is made."
        return Banner("warn", "Waiting for the first payment", text, *card)
    text = "The last payment of your plan was declined. We try again in a few days."
    return Banner("warn", "A payment is due", text, *card)


def _invoiced(visit: Visit, *, unpaid: bool) -> Banner:
    """Return what an invoice that is not paid means."""
    invoice = ("See the invoice", address("invoices"))
    if visit.standing.status is Status.PENDING:
        text = "Your plan begins as soon as the transfer for its invoice arrives."
        return Banner("warn", "Waiting for the first payment", text, *invoice)
    if unpaid:
        text = "The invoice of your plan was not paid by its day. It can still be paid."
        return Banner("bad", "Paused: an invoice is not paid", text, *invoice)
    text = "The day of your plan's invoice is over. Please transfer it now."
    return Banner("warn", "An invoice is overdue", text, *invoice)


def _note(visit: Visit) -> Banner | None:
    kept, show = visit.standing, visit.show
    ends = kept.subscription["period_end"]
    if kept.subscription["cancel_at_end"] and ends is not None:
        text = "Until then all goes on, and you can still stay."
        stay = ("Stay", address("plan")) if visit.is_admin else ("", "")
        return Banner("info", f"Your plan ends on {show.until(ends)}", text, *stay)
    trial = kept.subscription["trial_ends_at"]
    if kept.status is Status.TRIALING and trial is not None:
        text = "The first payment is made then, unless you cancel before."
        return Banner("info", f"Free trial until {show.until(trial)}", text)
    if kept.wallet.refusal is not None:
        reason = kept.wallet.refusal
        text = CURES.get(reason, "").capitalize()
        return Banner("warn", reason.replace("_", " ").replace(":", ": ").capitalize(), text)
    return None
