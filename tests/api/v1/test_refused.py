"""A refusal of a request that its caller named can be found again; a flood of them is cut off."""

import logging

from api.v1.tally import NamedRefusals
from tests.doors import refusals_told

LOGGER = "api.v1.tally"


def lines(caplog):
    return [one.getMessage() for one in caplog.records if one.name == LOGGER]


def test_so_many_are_told_in_a_second_and_the_rest_is_counted(caplog):
    caplog.set_level(logging.INFO, LOGGER)
    now = [100.0]
    told = NamedRefusals(most=2, clock=lambda: now[0])
    for number in range(5):
        told.tell(f"r-{number}", "insufficient_credits", {"customer_id": "acme", "key": "k"})
    now[0] = 101.0
    told.tell("r-5", "malformed", {})
    assert lines(caplog) == [
        "request r-0: refused: insufficient_credits: customer 'acme', key 'k'",
        "request r-1: refused: insufficient_credits: customer 'acme', key 'k'",
        "more than 2 refusals of named requests in a second",
        "3 more refusals of named requests",
        "request r-5: refused: malformed: customer None, key None",
    ]


def test_no_line_is_two(caplog):
    caplog.set_level(logging.INFO, LOGGER)
    NamedRefusals().tell("r", "malformed", {"customer_id": "a\nb", "key": "\u2028"})
    assert lines(caplog) == [r"request r: refused: malformed: customer 'a\nb', key '\u2028'"]


async def test_a_refused_act_is_told_with_its_customer_and_its_key(door, servers_folder, api_url):
    headers = {"X-Request-Id": "an-act", "Idempotency-Key": "order-of-nobody"}
    refused = await door.post("/customers/nobody/purchases", json={}, headers=headers)
    assert refused.json()["reason"] == "missing_field"
    (line,) = refusals_told(api_url, servers_folder, "an-act")
    assert line.endswith("missing_field: customer 'nobody', key 'order-of-nobody'")


async def test_each_refused_event_of_a_named_request_is_in_the_log(
    door, customer, event, servers_folder, api_url
):
    poor = customer(allowance=1)
    log = servers_folder / f"api-{api_url.rpartition(':')[2]}.log"
    named = {"X-Request-Id": f"support-{poor.customer_id}"}
    events = [event(poor, "5"), event(poor, "1"), event(poor, "7")]
    unreadable = await door.post("/usage", json={"events": [True]}, headers={"X-Request-Id": "K"})
    assert unreadable.json()["outcomes"][0]["reason"] == "malformed"
    many = (await door.post("/usage", json={"events": events}, headers=named)).json()["outcomes"]
    alone = await door.post("/usage", json=events[0], headers=named)
    await door.post("/usage", json=event(poor, "9"))  # nobody named it
    assert [one["status"] for one in many] == ["refused", "debited", "refused"]
    assert alone.status_code == 402

    found = [line for line in log.read_text().splitlines() if named["X-Request-Id"] in line]
    keys = [events[0]["key"], events[2]["key"], events[0]["key"]]
    assert [f"key {key!a}" in line for key, line in zip(keys, found, strict=True)] == [True] * 3
    assert all("insufficient_credits" in line and poor.customer_id in line for line in found)
    assert [
        line
        for line in log.read_text().splitlines()
        if "refused" in line and poor.customer_id in line
    ] == found
