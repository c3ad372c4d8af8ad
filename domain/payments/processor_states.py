"""How each state of an invoice at the processor is read: one table, complete.

Columns are the states of an invoice, rows those of its default payment (`none`: it has none). A
state that the processor's description does not list, such as one added later, is `CANNOT_BE` too.
"""

from enum import StrEnum

NONE = "none"


class Case(StrEnum):
    """What a pair of states means."""

    UNFINISHED = "A"  # a draft: go on preparing it
    NO_PAYMENT = "B"  # open, without a payment that could pay it
    NOTHING_IN_FLIGHT = "C"  # never tried, or declined: see the last error
    WAITS_FOR_SOMEBODY = "D"  # the customer must act, or a bank
    ON_ITS_WAY = "E"
    SETTLED_WITHOUT = "F"  # paid outside the processor or by a balance: no money came
    SETTLED_OTHERWISE = "G"  # paid, but not by its default payment
    PAID_TWICE = "H"  # paid while a debit is in flight
    PARTLY_PAID = "K"  # partly paid, or fully paid a moment ago
    WRITTEN_OFF = "L"
    GIVEN_UP = "M"
    GIVEN_UP_ON_ITS_WAY = "N"
    PAID = "P"
    MONEY_FOR_NOTHING = "Q"  # a void invoice was paid
    CANNOT_BE = "X"


INVOICES = ("draft", "open", "paid", "uncollectible", "void")
_ROWS = {
    NONE: "ABFLM",
    "requires_payment_method": "XCGLM",
    "requires_confirmation": "XCGLM",
    "requires_action": "XDGLM",
    "processing": "XEHEN",
    "requires_capture": "XXXXX",
    "succeeded": "XKPKQ",
    "canceled": "XXGLM",
}
TABLE = {
    (invoice, payment): Case(letter)
    for payment, letters in _ROWS.items()
    for invoice, letter in zip(INVOICES, letters, strict=True)
}

# States in which nobody needs to act: the money arrives, or the bank reports that it won't.
COMES_BY_ITSELF = frozenset(
    {
        "boleto_display_details",
        "card_await_notification",
        "display_bank_transfer_instructions",
        "konbini_display_details",
        "multibanco_display_details",
        "oxxo_display_details",
        "verify_with_microdeposits",
    }
)


def case(invoice: str, payment: str) -> Case:
    """Return the meaning of an invoice's state together with its default payment's."""
    return TABLE.get((invoice, payment), Case.CANNOT_BE)


class Remark(StrEnum):
    """What an operator must look at, whatever becomes of the charge."""

    CANNOT_BE = "cannot_be"
    GIVEN_UP_ELSEWHERE = "given_up_elsewhere"
    GIVEN_UP_ON_ITS_WAY = "given_up_on_its_way"
    MONEY_AFTER_THE_END = "money_after_the_end"
    MONEY_FOR_NOTHING = "money_for_nothing"
    NOT_A_CARD = "not_a_card"
    NO_PAYMENT = "no_payment"
    OVERPAID = "overpaid"
    PAID_TWICE = "paid_twice"
    PARTLY_PAID = "partly_paid"
    SETTLED_WITHOUT_PAYMENT = "settled_without_payment"
    UNKNOWN_INVOICE = "unknown_invoice"
    WRITTEN_OFF = "written_off"


ADVICE = {
    Remark.CANNOT_BE: "its states contradict each other; nothing was done: look there",
    Remark.GIVEN_UP_ELSEWHERE: "somebody voided it there; it will collect nothing more",
    Remark.GIVEN_UP_ON_ITS_WAY: "it is void while money is on its way: refund it if it comes",
    Remark.MONEY_AFTER_THE_END: "it was paid after the subscription ended: refund it",
    Remark.MONEY_FOR_NOTHING: "it is void and yet its money came: refund it there",
    Remark.NOT_A_CARD: "its default payment method is of no kind that the plan takes",
    Remark.NO_PAYMENT: "it is open and has no payment; nothing was tried: look there",
    Remark.OVERPAID: "it was overpaid, which lowers the next invoice: settle the balance",
    Remark.PAID_TWICE: "it is paid while a debit is on its way: refund that when it comes",
    Remark.PARTLY_PAID: "part of it is paid; nothing is granted before the rest",
    Remark.SETTLED_WITHOUT_PAYMENT: "it counts as paid but no money came: see the balance there",
    Remark.UNKNOWN_INVOICE: "the processor does not know it; nothing was done: look there",
    Remark.WRITTEN_OFF: "it was written off there; it is not retried automatically",
}
