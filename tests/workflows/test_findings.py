"""What operators must look at is seen where they look: the list, the details, the status."""

from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from activities.payments.findings import measure
from domain.payments.findings import Finding, FindingKind
from ledger.payments import findings
from local.patience import until
from local.timeline import without_time
from tests.fleet import BEGINS, Customer
from workflows import names


def a_finding(customer: Customer) -> Finding:
    return Finding(
        key=f"test:{customer.name}",
        kind=FindingKind.AMOUNT_DIFFERS,
        customer_id=customer.name,
        subscription_id=customer.life.handle.id.removeprefix("subscription:"),
        charge_id=None,
        processor_id="in_1",
        detail="$54 for $45",
        at=BEGINS,
    )


async def shown(customer: Customer, number: int) -> None:
    """Wait until the subscription shows how many findings are open."""
    await until(
        customer.life.status,
        lambda status: status["findings"] == number,
        f"{customer.name} to show {number} findings",
        sign=without_time,
    )


async def indexed(customer: Customer) -> int | None:
    described = await customer.life.handle.describe()
    return described.typed_search_attributes.get(names.FINDINGS)


async def test_a_finding_shows_where_operators_look_until_one_settles_it(fleet):
    customer = await fleet.subscribe("core_10k")
    found = a_finding(customer)
    assert await indexed(customer) is None

    with fleet.engine.begin() as connection:
        assert findings.record(connection, found)
    await shown(customer, 1)
    await customer.life.settle()
    assert await indexed(customer) == 1
    metadata = await customer.life.handle.query("__temporal_workflow_metadata")
    assert "look at a finding" in metadata.current_details

    with fleet.engine.begin() as connection:
        findings.settle(connection, key=found.key, by="ann", reason="sent back", at=BEGINS)
    await shown(customer, 0)
    await customer.life.settle()
    assert await indexed(customer) == 0


async def test_a_bad_number_of_findings_is_refused_by_name(fleet):
    customer = await fleet.subscribe("core_10k")
    for bad in (
        {"open": 1, "settled": "yes"},
        {"open": 10**30},
        {"open": -1},
        {"open": True},
        {"open": "1"},
    ):
        await customer.life.signal("findings_changed", bad)
        status = await customer.life.settle()
        assert status["last_refusal"].startswith("malformed "), bad
    assert status["findings"] == 0


async def test_open_findings_are_a_metric_of_each_kind(fleet):
    customer = await fleet.subscribe("core_10k")
    with fleet.engine.begin() as connection:
        findings.record(connection, a_finding(customer))
        expected = findings.counts(connection)
    buffer = MetricBuffer(1_000)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))

    measure(fleet.engine, runtime.metric_meter)

    gauges = {
        update.attributes["kind"]: update.value
        for update in buffer.retrieve_updates()
        if update.metric.name == "drawdown_open_findings"
    }
    assert gauges == {kind.value: number for kind, number in expected.items()}
    assert gauges["amount_differs"] >= 1
