"""Bad messages to a live subscription: a named reason, the ledger as before, life goes on."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from domain.reasons import CURES
from gateways.stripe import StripePayments
from tests.contract.terminal import Terminal, unharmed
from tests.fleet import Customer, RunningFleet

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("contract")]  # one fleet for all

JSON = b"json/plain"


def event(**fields: Any) -> dict[str, Any]:
    usable = {
        "key": f"bad-{uuid4()}",
        "action": "operation",
        "quantity": "1",
        "event_at": "2027-01-01T00:00:00Z",
    }
    return usable | fields


def raw(data: bytes, encoding: bytes = JSON) -> RawValue:
    return RawValue(Payload(metadata={"encoding": encoding}, data=data))


async def rejection(customer: Customer, name: str, *arguments: Any) -> str:
    """Send an update that is rejected; return the failure's type."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await customer.life.ask(name, *arguments)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type in CURES
    return caught.value.cause.type


async def refusal(customer: Customer, name: str, *arguments: Any) -> str:
    """Send a signal that is refused; return the reason that people can read afterwards."""
    before = await customer.life.settle()
    await customer.life.handle.signal(name, args=arguments)
    return await kept(customer, before["refused"])


async def kept(customer: Customer, refused_before: int) -> str:
    """Return the reason of the newest refusal: in the table, the status and the details."""
    after = await customer.life.settle()
    assert after["refused"] > refused_before
    ((_, reason),) = customer.rows(
        "SELECT at, reason FROM refusals WHERE account_id = %s ORDER BY recorded_at DESC, at DESC,"
        " length(refusal_id) DESC, refusal_id DESC LIMIT 1"
    )
    assert after["last_refusal"].startswith(f"{reason} ")
    metadata = await customer.life.handle.query("__temporal_workflow_metadata")
    assert f"{reason} at " in metadata.current_details
    assert reason in CURES
    return str(reason)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        *(({"quantity": bad}, "invalid_quantity") for bad in ("0", "-1", "NaN", "1e30", 10**30)),
        *(({"quantity": bad}, "invalid_quantity") for bad in ("0.0000001", True, 0.1 + 0.2, None)),
        ({"action": "dance"}, "unknown_action"),
        ({"action": "a\x00b"}, "unknown_action"),
        ({"key": "a\x00b"}, "invalid_key"),
        ({"key": "ledger:1"}, "invalid_key"),
        ({"event_at": "2199-01-01T00:00:00Z"}, "event_in_future"),
        ({"event_at": "2027-01-01"}, "invalid_time"),
        ({"tags": {f"t{i}": "v" for i in range(21)}}, "invalid_tags"),
        ({"colour": "red"}, "unknown_field"),
    ],
)
async def test_a_bad_event_is_refused_by_name_at_both_doors(
    customer: Customer, terminal: Terminal, fields: dict[str, Any], reason: str
) -> None:
    async with unharmed(customer):
        assert await refusal(customer, "record_usage", {"events": [event(**fields)]}) == reason
        answer = await terminal.update(
            customer.life.handle.id, "consume", json.dumps(event(**fields))
        )
        assert f"type: {reason}," in answer.errors or f'"reason": "{reason}"' in answer.output


@pytest.mark.parametrize(
    ("data", "encoding", "reason"),
    [
        (b"\x00\xff\xfe", JSON, "malformed"),
        (b"not json", b"binary/plain", "malformed"),
        (b"", b"binary/null", "malformed"),
        (b"{}", b"no/such-encoding", "missing_field"),
        (b'{"events": [{"key": NaN}]}', JSON, "malformed"),
        (b'{"payment_method": "\\ud800", "invoice": "\\ud800"}', JSON, "unknown_field"),
        (b'{"\\ud800": 1}', JSON, "missing_field"),
    ],
)
async def test_a_payload_that_is_not_our_json_is_refused_by_name(
    customer: Customer, data: bytes, encoding: bytes, reason: str
) -> None:
    async with unharmed(customer):
        for signal in ("record_usage", "payment_method_updated", "invoice_paid", "money_found"):
            got = await refusal(customer, signal, raw(data, encoding))
            assert got in {reason, "missing_field"}
        for update in ("consume", "buy_credits", "change_plan", "pause", "adjust_credits"):
            got = await rejection(customer, update, raw(data, encoding))
            assert got in {reason, "missing_field"}


@pytest.mark.parametrize("text", ["[]", "null", "3", '"{}"', "true", '{"events": {}}'])
async def test_json_of_another_shape_is_refused_by_name(
    customer: Customer, terminal: Terminal, text: str
) -> None:
    workflow_id = customer.life.handle.id
    async with unharmed(customer):
        before = await customer.life.settle()
        assert (await terminal.signal(workflow_id, "record_usage", text)).code == 0
        assert await kept(customer, before["refused"]) == "malformed"
        ran = await terminal.update(workflow_id, "set_auto_purchase", text)
        assert ran.code == 1
        assert "type: malformed" in ran.errors or "type: missing_field" in ran.errors


@pytest.mark.parametrize("inputs", [[], ["{}", "{}"], ["{}", "{}", "{}"]])
async def test_any_other_number_of_arguments_is_refused_by_name(
    customer: Customer, terminal: Terminal, inputs: list[str]
) -> None:
    workflow_id = customer.life.handle.id
    async with unharmed(customer):
        for name in ("record_usage", "payment_method_updated", "balance_crossed"):
            before = await customer.life.settle()
            assert (await terminal.signal(workflow_id, name, *inputs)).code == 0
            assert await kept(customer, before["refused"]) == "malformed"
        for name in ("consume", "cancel", "resume"):
            ran = await terminal.update(workflow_id, name, *inputs)
            assert (ran.code, "type: malformed" in ran.errors) == (1, True)


async def test_a_message_that_nobody_knows_is_refused_by_name(
    customer: Customer, terminal: Terminal
) -> None:
    workflow_id = customer.life.handle.id
    async with unharmed(customer):
        before = await customer.life.settle()
        assert (await terminal.signal(workflow_id, "record_usages", "{}")).code == 0
        assert await kept(customer, before["refused"]) == "unknown_message"
        for inputs in ([], ["{}"], ["{}", "3"]):
            ran = await terminal.update(workflow_id, "consumes", *inputs)
            assert (ran.code, "type: unknown_message" in ran.errors) == (1, True)


async def test_a_subscription_that_does_not_exist_is_named_by_temporal(terminal: Terminal) -> None:
    for ran in (
        await terminal.signal("subscription:nobody", "record_usage", '{"events": []}'),
        await terminal.update("subscription:nobody", "consume", json.dumps(event())),
    ):
        assert ran.code == 1
        assert "workflow not found" in ran.errors


async def test_a_key_with_other_content_is_a_conflict_and_keeps_its_first_meaning(
    customer: Customer,
) -> None:
    first = event(quantity="0.5")
    assert (await customer.life.ask("consume", first))["status"] == "debited"
    async with unharmed(customer):
        for other in (
            {"quantity": "0.6"},
            {"action": "ping"},
            {"tags": {"member": "ada"}},
            {"event_at": "2027-01-01T00:00:01Z"},
        ):
            answer = await customer.life.ask("consume", first | other)
            assert answer["reason"] == "idempotency_conflict"
            reason = await refusal(customer, "record_usage", {"events": [first | other]})
            assert reason == "idempotency_conflict"
        again = await customer.life.ask("consume", first)
        assert again["status"] == "repeated"


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("change_plan", {"plan": "core_1m"}, "unknown_plan"),
        ("change_plan", {"plan": "\U0001f389" * 200}, "unknown_plan"),
        ("change_plan", {"plan": "core_1m", "preview": True}, "unknown_plan"),
        ("change_plan", {"plan": "core_10k"}, "same_plan"),
        ("buy_credits", {"key": "odd", "credits": "1500"}, "invalid_unit"),
        ("buy_credits", {"key": "much", "credits": "1000000000000"}, "above_maximum"),
        (
            "adjust_credits",
            {"key": "a", "credits": "-10000000", "reason": "r", "by": "b"},
            "insufficient_credits",
        ),
        ("resume", {"reason": "r", "by": "b"}, "not_paused"),
    ],
)
async def test_a_command_that_cannot_be_carried_out_is_refused_by_name(
    customer: Customer, name: str, message: dict[str, Any], reason: str
) -> None:
    async with unharmed(customer):
        answer = await customer.life.ask(name, message)

        assert (answer["status"], answer["reason"]) == ("refused", reason)
        assert answer["cure"] == CURES[reason]


async def test_a_purchase_key_with_other_content_is_a_conflict(customer: Customer) -> None:
    key = "\U0001f389" * 200  # any text is a key, though the processor's keys are short and plain
    bought = await customer.life.ask("buy_credits", {"key": key, "credits": "1000"})
    assert bought["status"] == "paid"
    async with unharmed(customer):
        answer = await customer.life.ask("buy_credits", {"key": key, "credits": "2000"})
        assert answer["reason"] == "idempotency_conflict"
        again = await customer.life.ask("buy_credits", {"key": key, "credits": "1000"})
        assert (again["status"], again["charge_id"]) == ("paid", bought["charge_id"])


@pytest.mark.parametrize("operator", ["\U0001f389" * 200, "a\nb", "**b**"])
async def test_any_words_of_an_operator_are_kept_without_harm(
    customer: Customer, operator: str
) -> None:
    note = {"reason": operator, "by": operator}
    async with unharmed(customer):
        assert (await customer.life.ask("pause", note))["status"] == "paused"
        assert (await customer.use("1"))["reason"] == "paused:by_operator"
        assert (await customer.life.ask("resume", note))["status"] == "active"


async def test_a_card_that_is_unknown_or_of_somebody_else_is_refused_by_name(
    fleet: RunningFleet, customer: Customer
) -> None:
    other = await fleet.subscribe("core_10k")
    with StripePayments(fleet.standin.api_key, base_url=fleet.standin.base_url) as payments:
        card = payments.default_payment_method(other.processor()["payer"])
    assert card is not None
    async with unharmed(customer):
        for method, reason in (
            ("pm_nobody", "unknown_payment_method"),
            (card.method, "payment_method_of_another_customer"),
            ("pm with a space", "unknown_payment_method"),
        ):
            got = await refusal(customer, "payment_method_updated", {"payment_method": method})
            assert got == reason
        assert (await customer.life.status())["card"].endswith("4242")


async def test_usage_of_a_closed_window_is_refused_where_the_catalog_says_so(
    fleet: RunningFleet,
) -> None:
    strict = await fleet.subscribe("plain", catalog="strict")
    late = event(event_at="2026-12-31T23:59:59.999999Z")
    async with unharmed(strict):
        assert (await strict.life.ask("consume", late))["reason"] == "period_closed"
        assert await refusal(strict, "record_usage", {"events": [late]}) == "period_closed"


async def test_a_thousand_and_one_events_are_refused_whole(customer: Customer) -> None:
    async with unharmed(customer):
        many = {"events": [event() for _ in range(1_001)]}
        assert await refusal(customer, "record_usage", many) == "too_many_events"


async def test_a_thousand_bad_events_are_refused_one_by_one(customer: Customer) -> None:
    async with unharmed(customer):
        before = await customer.life.settle()
        bad = event(quantity="0", tags={"\U0001f389" * 30: "\U0001f389" * 30})
        await customer.life.record([bad | {"key": f"{bad['key']}-{n}"} for n in range(1_000)])
        assert await kept(customer, before["refused"] + 999) == "invalid_quantity"


async def test_what_is_too_large_never_reaches_the_subscription(customer: Customer) -> None:
    handle = customer.life.handle
    async with unharmed(customer):
        for size, code in (
            (10_000_000, RPCStatusCode.RESOURCE_EXHAUSTED),
            (3_000_000, RPCStatusCode.INVALID_ARGUMENT),
        ):
            with pytest.raises(RPCError) as caught:
                await handle.signal("record_usage", raw(b" " * size))
            assert caught.value.status is code
        with pytest.raises(RPCError) as caught:
            await handle.execute_update("consume", raw(b" " * 10_000_000))
        assert caught.value.status is RPCStatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
async def veteran(fleet: RunningFleet) -> AsyncIterator[Customer]:
    customer = await fleet.subscribe("core_10k")
    yield customer
    description = await customer.life.handle.describe()
    assert description.status is WorkflowExecutionStatus.RUNNING


async def test_messages_as_large_as_temporal_takes_are_debited_whole(veteran: Customer) -> None:
    # Escaped, these texts grow threefold: more than one activity or run may be handed.
    tags = {f"{n}" + "\U0001f389" * 190: "\U0001f389" * 199 for n in range(20)}
    for part in range(3):
        events = [event(key=f"{part}-{n}", quantity="0.1", tags=tags) for n in range(55)]
        data = json.dumps({"events": events}, ensure_ascii=False).encode()
        assert 1_500_000 < len(data) < 2_000_000
        await veteran.life.handle.signal("record_usage", raw(data))

    status = await veteran.life.settle()

    assert (status["available"], status["refused"]) == ("9983.5", 0)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*event(), "events", "payment_method"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)
SIGNALS = ("record_usage", "payment_method_updated", "invoice_paid", "balance_crossed", "x")


async def test_no_junk_stops_a_subscription(customer: Customer) -> None:
    batches: list[list[tuple[str, list[Any]]]] = []

    @settings(max_examples=25, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(SIGNALS), st.lists(JUNK, max_size=2)), max_size=6))
    def collect(batch: list[tuple[str, list[Any]]]) -> None:
        batches.append(batch)

    collect()
    async with unharmed(customer):
        for name, arguments in (signal for batch in batches for signal in batch):
            payloads = [raw(json.dumps(value).encode()) for value in arguments]
            await customer.life.handle.signal(name, args=payloads)
        await customer.life.settle()
    reasons = {reason for _, reason in customer.refusals()}
    assert reasons <= set(CURES)
