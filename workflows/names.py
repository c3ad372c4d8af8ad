"""Task queues, workflow ids and search attributes: every name another process may rely on."""

from temporalio.common import SearchAttributeKey

BILLING = "billing"  # workflows and ledger activities
STRIPE = "billing-stripe"  # rate-limited below the processor's limit per endpoint
MAIL = "billing-mail"
QUEUES = (BILLING, STRIPE, MAIL)
SIMULATIONS = "toolbox-simulations"  # of the toolbox: no worker of the engine serves it
SIMULATION = "Simulation"  # the type of its workflow, which the console starts by this name

STATUS = SearchAttributeKey.for_keyword("DrawdownStatus")
PLAN = SearchAttributeKey.for_keyword("DrawdownPlan")
CUSTOMER = SearchAttributeKey.for_keyword("DrawdownCustomer")
PAUSE_REASON = SearchAttributeKey.for_keyword("DrawdownPauseReason")
NEXT_BILLING_AT = SearchAttributeKey.for_datetime("DrawdownNextBillingAt")
FINDINGS = SearchAttributeKey.for_int("DrawdownFindings")  # unsettled ones
SEARCH_ATTRIBUTES = (STATUS, PLAN, CUSTOMER, PAUSE_REASON, NEXT_BILLING_AT, FINDINGS)


def subscription_workflow(subscription_id: str) -> str:
    """Return the workflow id of a subscription."""
    return f"subscription:{subscription_id}"


def approval_workflow(subscription_id: str, key: str) -> str:
    """Return the workflow id of a member's request, by its key."""
    return f"approval:{subscription_id}:{key}"


def stripe_event_workflow(event_id: str) -> str:
    """Return the workflow id of one event of the payment processor."""
    return f"stripe:{event_id}"


def simulation_workflow(key: str) -> str:
    """Return the workflow id of a simulation, by the key of its form."""
    return f"simulation:{key}"


RECONCILIATION = "reconciliation"  # the workflow id of the nightly comparison


def outbox_workflow(topic: str) -> str:
    """Return the workflow id of the relay of one outbox topic."""
    return f"outbox:{topic}"
