"""The processor's money against the ledger's, one to one: every difference is a finding."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from domain.money import format_money
from domain.payments.charges import ChargeState
from domain.payments.findings import Finding, FindingKind
from domain.payments.sold import PaidSale

NIGHT_HOUR = 3  # UTC: the hour of the nightly comparison of everything


@dataclass(frozen=True, slots=True)
class Claim:
    """A paid invoice at the processor that carries our ids; money in minor units.

    `returned_minor` is what our credit notes sent back; `sale` is what the invoice says it sold.
    """

    invoice: str
    charge_id: str
    customer_id: str
    subscription_id: str
    amount_minor: int
    returned_minor: int
    currency: str
    payer: str = ""
    sale: PaidSale | None = None
    added_minor: int = 0  # the tax in the amount that was added to the price


@dataclass(frozen=True, slots=True)
class BookedCharge:
    """A charge as the ledger has it; `returned_minor` is what our refunds sent back.

    `amount_minor` is with tax, as far as it is known here: before there is an invoice it is not.
    """

    charge_id: str
    customer_id: str
    subscription_id: str
    state: ChargeState
    invoice: str | None
    amount_minor: int
    returned_minor: int
    currency: str

    def is_paid_by(self, claim: Claim) -> bool:
        """Return whether a claim is what this charge demands."""
        if self.amount_minor == claim.amount_minor:
            return True
        unknown = self.state in (ChargeState.OPEN, ChargeState.PROCESSING)
        return unknown and self.amount_minor == claim.amount_minor - claim.added_minor


@dataclass(frozen=True, slots=True)
class Compared:
    """The findings of a comparison, and paid invoices whose charge is still open here.

    It is always safe to tell a subscription of one: it reads the invoice back. `lost` are the paid
    invoices without a charge that say what they sold.
    """

    findings: tuple[Finding, ...]
    unheard: tuple[Claim, ...]
    lost: tuple[Claim, ...] = ()


def next_night(at: datetime) -> datetime:
    """Return the next nightly comparison after `at`: the same hour every day, UTC."""
    tonight = at.astimezone(UTC).replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return tonight if tonight > at else tonight + timedelta(days=1)


def compare(
    claims: Iterable[Claim], booked: Mapping[str, BookedCharge], at: datetime, *, whole: bool = True
) -> Compared:
    """Compare paid invoices with charges by their ids; `whole`: the claims are all there are."""
    claims = tuple(claims)
    by_invoice = {one.invoice for one in claims}
    found = [one for claim in claims for one in _of_claim(claim, booked.get(claim.charge_id), at)]
    if whole:
        found += [
            _only_here(charge, at)
            for charge in booked.values()
            if charge.state == ChargeState.PAID and charge.invoice not in by_invoice
        ]
    lost = [one for one in claims if one.charge_id not in booked and one.sale is not None]
    unheard = [
        claim
        for claim in claims
        if (charge := booked.get(claim.charge_id)) is not None
        and charge.state in (ChargeState.OPEN, ChargeState.PROCESSING)
        and charge.is_paid_by(claim)
    ]
    return Compared(tuple(found), tuple(unheard), tuple(lost))


def finding_key(claim: Claim) -> str:
    """Return the key of the finding that a paid invoice has no charge here."""
    return f"paid:{claim.invoice}"


def _of_claim(claim: Claim, charge: BookedCharge | None, at: datetime) -> Iterator[Finding]:
    came = format_money(claim.amount_minor, claim.currency)
    if charge is None:
        yield _finding(
            word="paid",
            kind=FindingKind.PAID_WITHOUT_CHARGE,
            claim=claim,
            detail=f"{came}: no charge here",
            at=at,
        )
    elif charge.state == ChargeState.PAID and charge.invoice != claim.invoice:
        detail = f"{came}: the charge was already paid by {charge.invoice}"
        yield _finding(
            word="paid", kind=FindingKind.PAID_WITHOUT_CHARGE, claim=claim, detail=detail, at=at
        )
    elif not charge.is_paid_by(claim):
        due = format_money(charge.amount_minor, charge.currency)
        yield _finding(
            word="differs",
            kind=FindingKind.AMOUNT_DIFFERS,
            claim=claim,
            detail=f"{came} for {due}",
            at=at,
        )
    elif charge.state == ChargeState.VOID:
        yield _finding(
            word="paid",
            kind=FindingKind.PAID_WITHOUT_CHARGE,
            claim=claim,
            detail=f"{came}: it is void",
            at=at,
        )
    elif charge.state == ChargeState.PAID and charge.returned_minor != claim.returned_minor:
        there = format_money(claim.returned_minor, claim.currency)
        here = format_money(charge.returned_minor, charge.currency)
        detail = f"sent back: {there} there, {here} here"
        yield _finding(
            word="returned", kind=FindingKind.REFUND_DIFFERS, claim=claim, detail=detail, at=at
        )


def _finding(word: str, kind: FindingKind, claim: Claim, detail: str, at: datetime) -> Finding:
    return Finding(
        key=f"{word}:{claim.invoice}",
        kind=kind,
        customer_id=claim.customer_id or None,
        subscription_id=claim.subscription_id or None,
        charge_id=claim.charge_id,
        processor_id=claim.invoice,
        detail=detail,
        at=at,
    )


def no_longer_paid(charge: BookedCharge, stands: str, at: datetime) -> Finding:
    """Describe a charge whose invoice was paid and no longer is; nothing is taken back on a guess.

    `stands`: the invoice's state now. The key equals that of "paid only here": it is the same fact.
    """
    what = format_money(charge.amount_minor, charge.currency)
    detail = f"{what} is booked as paid, and its invoice is {stands} there now"
    return replace(_only_here(charge, at), kind=FindingKind.NO_LONGER_PAID, detail=detail)


def _only_here(charge: BookedCharge, at: datetime) -> Finding:
    return Finding(
        key=f"only-here:{charge.charge_id}",
        kind=FindingKind.PAID_ONLY_HERE,
        customer_id=charge.customer_id,
        subscription_id=charge.subscription_id,
        charge_id=charge.charge_id,
        processor_id=charge.invoice,
        detail=f"{format_money(charge.amount_minor, charge.currency)}: no paid invoice there",
        at=at,
    )
