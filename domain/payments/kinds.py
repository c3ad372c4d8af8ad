"""Kinds of payment methods, and what a plan takes each of them for (rules, section 3, no. 10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.periods import day_ends


class PaymentKind(StrEnum):
    """How a payment method takes money."""

    CARD = "card"
    BANK_DEBIT = "bank_debit"  # the bank answers days later
    INVOICE = "invoice"  # sent, and paid by transfer until it is due


CARDS = (PaymentKind.CARD,)
DEBITED = ("USD", "EUR")  # the currencies in which the processor debits bank accounts
# Those in which it gives invoices an account number of their own to transfer to.
TRANSFERRED = ("USD", "EUR", "GBP", "JPY", "MXN")
DUE_DAYS = 30
LAST = timedelta(hours=1)  # time enough to ask the processor whether a transfer has come


@dataclass(frozen=True, slots=True)
class TakenKinds:
    """The kinds a plan takes: for itself, for packs and credits bought by hand, for auto-purchase.

    Of a customer's payment methods only the default is charged, so it decides. An invoice charges
    none of them: it is sent, and due after `due_days`.
    """

    plan: tuple[PaymentKind, ...] = CARDS
    purchases: tuple[PaymentKind, ...] = CARDS
    auto: tuple[PaymentKind, ...] = CARDS
    due_days: int = DUE_DAYS

    @property
    def any(self) -> tuple[PaymentKind, ...]:
        """Every kind that pays for something: such a method may be the customer's default."""
        taken = {*self.plan, *self.purchases, *self.auto} - {PaymentKind.INVOICE}
        return tuple(kind for kind in PaymentKind if kind in taken)

    @property
    def invoiced(self) -> bool:
        """Whether the plan itself is paid by invoices, and no payment method is charged for it."""
        return PaymentKind.INVOICE in self.plan

    @property
    def sells_by_invoice(self) -> bool:
        """Whether packs and credits bought by hand are paid by invoices, and nothing is charged."""
        return PaymentKind.INVOICE in self.purchases

    def due_at(self, sent_at: datetime, zone: str) -> datetime | None:
        """Return when an invoice is due that pays for the plan: its customer's day is over then.

        None: the plan is paid without one. A transfer that comes on the day itself is in time.
        """
        return self._day(sent_at, zone) if self.invoiced else None

    def purchase_due_at(self, sent_at: datetime, zone: str) -> datetime | None:
        """Return when an invoice for packs or credits is due; None: they are charged at once."""
        return self._day(sent_at, zone) if self.sells_by_invoice else None

    def _day(self, sent_at: datetime, zone: str) -> datetime:
        return day_ends(sent_at + timedelta(days=self.due_days), zone)

    def due_within(self, sent_at: datetime, zone: str, end: datetime) -> datetime | None:
        """Return when such an invoice is due that is void at an instant: before that at the latest.

        One that is sent just before keeps its own day: the processor wants one to come.
        """
        due_at, latest = self.due_at(sent_at, zone), last_moment(end)
        if due_at is None or latest - sent_at < LAST:
            return due_at
        return min(due_at, latest)

    @property
    def charged(self) -> tuple[PaymentKind, ...] | None:
        """The kinds that may be charged for the plan itself; None: an invoice charges none."""
        return None if self.invoiced else self.plan

    @property
    def charged_for_purchases(self) -> tuple[PaymentKind, ...] | None:
        """The kinds that may be charged for packs and credits; None: an invoice charges none."""
        return None if self.sells_by_invoice else self.purchases


@dataclass(frozen=True, slots=True)
class SavingPage:
    """What the processor's page to save a payment method must offer and ask for.

    `takes_debits`: bank accounts too, whose mandate is given there, where the processor debits any
    in the `currency`. `asks_address`: the whole billing address, by which what is bought is taxed.
    """

    currency: str = ""
    takes_debits: bool = False
    asks_address: bool = False


def last_moment(end: datetime) -> datetime:
    """Return when an invoice that is void at an instant is due at the latest."""
    return end - LAST


ONLY_CARDS = TakenKinds()
CARD_PAGE = SavingPage()  # of whom no plan is known
