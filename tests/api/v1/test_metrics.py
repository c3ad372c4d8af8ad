"""What Prometheus is told of a process that serves the door."""

import re

from local.patience import until
from local.processes import free_port
from tests.api.arrangements import api
from tests.screenless import screenless

WAITING = ("drawdown_commit_queue", "drawdown_parked_callers", "drawdown_http_streams_open")


async def test_a_process_tells_what_it_answered_and_what_waits(
    variables, servers_folder, api_key, customer, event
):
    metrics = f"127.0.0.1:{free_port()}"
    wallet = customer()
    headers = {"Authorization": f"Bearer {api_key}"}
    with api(variables | {"METRICS_ADDRESS": metrics}, servers_folder) as url:
        async with screenless(base_url=f"{url}/v1", headers=headers) as door:
            sent = [event(wallet) for _ in range(3)]
            assert (await door.post("/usage", json=sent[0])).status_code == 200
            assert (await door.post("/usage", json={"events": sent})).status_code == 200
            assert (await door.request("DELETE", "/usage")).status_code == 405
            assert (await door.get(f"/customers/{wallet.customer_id}/balance")).status_code == 200

            async def told() -> str:
                return (await door.get(f"http://{metrics}/metrics")).text

            def sampled(text: str) -> bool:
                return value(text, "drawdown_commit_requests") == 4

            text = await until(told, sampled, "the next sample")

    usage = 'endpoint="/usage"'
    assert value(text, "drawdown_http_requests", usage, 'method="POST"', 'status="200"') == 2
    assert value(text, "drawdown_http_requests", usage, 'method="other"', 'status="405"') == 1
    assert value(text, "drawdown_http_seconds_count", usage, 'method="POST"') == 2
    assert value(text, "drawdown_http_refusals", 'reason="method_not_allowed"') == 1
    assert 1 <= (value(text, "drawdown_commit_batches") or 0) <= 4
    assert [value(text, name) for name in WAITING] == [0, 0, 0]
    assert wallet.customer_id not in text
    assert "DELETE" not in text


def value(text: str, name: str, *labels: str) -> float | None:
    """Return the one value of a metric with these labels."""
    for line in text.splitlines():
        if re.match(rf"{name}(?![a-z_])", line) and all(label in line for label in labels):
            return float(line.rpartition(" ")[2])
    return None
