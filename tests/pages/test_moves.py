"""An operator moves a customer to another time zone: what it changes is shown, then done once."""

from domain.access.operators import OperatorRole
from tests.pages.forms import forms_of
from tests.pages.operators import entered
from tests.pages.test_operator_acts import ACT, HOSTILE, acts, confirmed

MOVE, SHOW = f"{ACT}/move", f"{ACT}/preview_move"


def zone_of(customer):
    query = "SELECT time_zone FROM customers WHERE account_id = %s"
    return customer.rows(query)[0][0]


async def test_a_move_shows_from_when_it_counts_and_keeps_who_and_why(fleet, web):
    ann, acme = await entered(fleet, web, OperatorRole.SUPPORT), await fleet.subscribe("core_10k")
    page = f"{ACT}?id={acme.name}"
    typed = {"time_zone": " Asia/Tokyo ", "reason": "moved"}
    shown, fields = await confirmed(web, page, SHOW, MOVE, **typed)
    assert "Asia/Tokyo<br><small>Mails and pages at once; periods from " in shown
    assert zone_of(acme) == "UTC"
    for _ in range(2):
        assert (await web.post(MOVE, data=fields)).status_code == 303
    assert zone_of(acme) == "Asia/Tokyo"
    assert acts(acme) == [("move", "done", ann.email, None, "moved")]
    timeline = (await web.get(f"/operator/customer?id={acme.name}")).text
    assert "Moved to another time zone" in timeline
    assert "Asia/Tokyo" in timeline


async def test_a_zone_that_is_none_moves_nobody(fleet, web):
    await entered(fleet, web, OperatorRole.SUPPORT)
    acme = await fleet.subscribe("core_10k")
    form = forms_of(await web.get(f"{ACT}?id={acme.name}"), SHOW)[0]
    for zone in ("Atlantis", "../etc/passwd", "", "x" * 500, HOSTILE):
        answer = await web.post(SHOW, data={**form, "time_zone": zone, "reason": "r"})
        assert answer.status_code in (400, 404, 422), zone
        assert HOSTILE not in answer.text
    assert (zone_of(acme), acts(acme)) == ("UTC", [])
