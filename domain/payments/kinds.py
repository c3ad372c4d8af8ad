"""Kinds of payment methods, and what a plan takes each of them for (rules, section 3, no. 10)."""

from dataclasses import dataclass
from enum import StrEnum


class PaymentKind(StrEnum):
    """How a payment method takes money."""

    CARD = "card"
    BANK_DEBIT = "bank_debit"  # the bank answers days later


CARDS = (PaymentKind.CARD,)
DEBITED = ("USD", "EUR")  # the currencies in which the processor debits bank accounts


@dataclass(frozen=True, slots=True)
class TakenKinds:
    """The kinds a plan takes: for itself, for packs and credits bought by hand, for auto-purchase.

    Of a customer's payment methods only the default is charged, so it decides.
    """

    plan: tuple[PaymentKind, ...] = CARDS
    purchases: tuple[PaymentKind, ...] = CARDS
    auto: tuple[PaymentKind, ...] = CARDS

    @property
    def any(self) -> tuple[PaymentKind, ...]:
        """Every kind that pays for something: such a method may be the customer's default."""
        taken = {*self.plan, *self.purchases, *self.auto}
        return tuple(kind for kind in PaymentKind if kind in taken)


ONLY_CARDS = TakenKinds()
