"""One payer a customer: found by what the ledger knows, whatever the address is by now."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from domain.subscription import Start
from local.timeline import Timeline
from tests.fleet import BEGINS, SECOND, Customer, RunningFleet

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


def payers_of(customer: Customer) -> list[str]:
    known = customer.fleet.standin.get("/_ledger")["customers"].items()
    return [payer for payer, one in known if one["customer_id"] == customer.name]


async def begin(
    customer: Customer, name: str, email: str, at: datetime, plan: str = "core_10k"
) -> Customer:
    """Start a subscription of a customer whose address has changed."""
    start = Start(
        subscription_id=name,
        customer_id=customer.name,
        name="Ada Lovelace",
        email=email,
        catalog="make",
        plan_id=plan,
        payment_method="pm_card_visa",
        begins_at=at,
    )
    return Customer(
        customer.fleet, customer.name, await Timeline.start(customer.fleet.client, start)
    )


async def left(fleet: RunningFleet) -> Customer:
    """Return a customer whose subscription has ended."""
    customer = await fleet.subscribe("core_10k")
    await customer.cancel("now")
    assert await customer.outcome() == "ended"
    return customer


async def test_a_customer_who_comes_back_with_another_address_is_the_same_payer(
    fleet: RunningFleet,
) -> None:
    customer = await left(fleet)
    (payer,) = payers_of(customer)

    again = await begin(customer, f"{customer.name}-2", "ada@new.example", BEGINS + DAY)
    status = await again.pass_until(BEGINS + DAY + SECOND)

    assert status["status"] == "active"
    assert payers_of(customer) == [payer]
    assert again.ask_processor(f"customers/{payer}")["email"] == "ada@new.example"
    query = "SELECT email, name, payer FROM customers WHERE account_id = %s"
    assert again.rows(query) == [("ada@new.example", "Ada Lovelace", payer)]
    assert again.paid() == [900, 900]
    again.check()


async def test_a_payer_deleted_at_the_processor_is_made_anew(fleet: RunningFleet) -> None:
    customer = await left(fleet)
    (payer,) = payers_of(customer)
    customer.ask_processor(f"customers/{payer}", method="DELETE")

    again = await begin(
        customer, f"{customer.name}-2", f"{customer.name}@example.com", BEGINS + DAY
    )
    status = await again.pass_until(BEGINS + DAY + SECOND)

    assert status["status"] == "active"
    ((new,),) = again.rows("SELECT payer FROM customers WHERE account_id = %s")
    assert new != payer


async def test_a_start_that_the_processor_refuses_leaves_nothing_that_is_still_live(
    fleet: RunningFleet,
) -> None:
    customer = await left(fleet)
    (payer,) = payers_of(customer)
    customer.ask_processor(f"customers/{payer}", method="DELETE")
    fleet.standin.post("/_fault", fault="400", path="/v1/customers")
    failed = await begin(customer, f"{customer.name}-2", "ada@new.example", BEGINS + DAY)
    await failed.skip_to(BEGINS + DAY + SECOND)
    with pytest.raises(WorkflowFailureError) as failure:
        await failed.outcome()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "email_invalid"

    for name in (f"{customer.name}-2", f"{customer.name}-3"):
        again = await begin(customer, name, "ada@new.example", BEGINS + 2 * DAY)
        status = await again.pass_until(BEGINS + 2 * DAY + SECOND)
        assert status["status"] == "active"
        await again.cancel("now")
        assert await again.outcome() == "ended"
