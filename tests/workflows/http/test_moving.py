"""A customer's move over HTTP: told from when on its periods are counted anew."""


async def test_a_move_counts_from_the_end_of_the_running_period(fleet, post):
    customer = await fleet.subscribe("core_10k")
    ends = (await customer.life.status())["period_end"]
    path = f"/customers/{customer.name}/time_zone"

    wrong = await post(path, {"time_zone": "Mars/City"}, "move-1")
    moved = await post(path, {"time_zone": "Asia/Tokyo"}, "move-1")
    again = await post(path, {"time_zone": "Asia/Tokyo"}, "move-1")
    other = await post(path, {"time_zone": "Europe/Berlin"}, "move-1")

    assert (wrong.status_code, wrong.json()["reason"]) == (422, "unknown_time_zone")
    told = {"customer_id": customer.name, "time_zone": "Asia/Tokyo", "periods_from": ends}
    assert (moved.status_code, moved.json()) == (200, told)
    assert again.json() == told
    assert other.json()["reason"] == "idempotency_conflict"
    zones = customer.rows(
        "SELECT c.time_zone, s.time_zone FROM customers c JOIN subscriptions s USING (account_id)"
        " WHERE account_id = %s"
    )
    assert [tuple(one) for one in zones] == [("Asia/Tokyo", "UTC")]
