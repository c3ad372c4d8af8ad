"""What the processor will never do is an answer, not a failure that would end a subscription."""

from activities.payments.processor import Collected, PaymentActivities, PaymentAttempt
from domain.payments.charges import Decline, Unclear
from domain.payments.processor_states import Remark
from gateways.stripe import StripePayments
from local.stripe_standin.process import StandIn

UNKNOWN = PaymentAttempt("sub:auto:1", "in_unknown", 1)


def test_an_invoice_that_cannot_be_collected_is_no_fault_of_the_card(
    standin: StandIn,
) -> None:
    with StripePayments(standin.api_key, base_url=standin.base_url) as payments:
        collected = PaymentActivities(payments).pay(UNKNOWN)

    assert collected.paid is None
    assert collected.declined is not None
    assert collected.declined.decline is Decline.REFUSED
    assert collected.declined.code == "resource_missing"


def test_an_unknown_invoice_is_neither_paid_nor_voided_twice(standin: StandIn) -> None:
    with StripePayments(standin.api_key, base_url=standin.base_url) as payments:
        activities = PaymentActivities(payments)

        unclear = Unclear("unclear", "in_unknown", Remark.UNKNOWN_INVOICE)
        assert activities.read(UNKNOWN) == Collected(unclear=unclear)
        assert activities.void(UNKNOWN) == Collected()
