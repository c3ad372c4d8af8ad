"""What is sold, who is on which version, and moving them with a preview."""

from domain.access.operators import OperatorRole
from ledger.reads import sold
from ledger.reads.sold import Version
from tests.pages.forms import forms_of
from tests.pages.operators import entered

CATALOGS = "/operator/catalogs"
CORE = {"list": "make", "plan": "core_10k", "version": "1"}


async def test_everybody_on_a_version_is_counted_and_listed(fleet, web):
    acme = await fleet.subscribe("core_10k")
    await entered(fleet, web, OperatorRole.SUPPORT)
    of = Version("make", "core_10k", 1)
    with fleet.engine.connect() as connection:
        number = sold.counts(connection, "make")[of]
        listed = sold.subscribers(connection, of, 10_000)
    assert number == len(listed)
    assert acme.name in [one.customer_id for one in listed]
    page = await web.get(CATALOGS, params={"list": "make"})
    assert f"{number} on core_10k, version 1" in page.text


async def test_a_move_is_shown_before_it_is_made(fleet, web):
    await fleet.subscribe("core_10k")
    await entered(fleet, web, OperatorRole.SUPPORT)
    page = await web.get(CATALOGS, params=CORE)
    fields = forms_of(page, f"{CATALOGS}/preview")[0]
    shown = await web.post(f"{CATALOGS}/preview", data=fields)
    assert ">preview<" in shown.text
    fields = forms_of(shown, f"{CATALOGS}/move")[0]
    moved = await web.post(f"{CATALOGS}/move", data=fields)
    assert ">unchanged<" in moved.text  # version 1 is the newest there is
    assert ">preview<" not in moved.text


async def test_finance_looks_and_moves_nobody(fleet, web):
    await fleet.subscribe("core_10k")
    await entered(fleet, web, OperatorRole.FINANCE)
    page = await web.get(CATALOGS, params=CORE)
    assert page.status_code == 200
    assert forms_of(page, f"{CATALOGS}/preview") == []
    csrf = forms_of(await web.get("/operator/health"), "/operator/health/settle")
    sent = await web.post(f"{CATALOGS}/move", data=CORE | {"csrf": csrf[0]["csrf"] if csrf else ""})
    assert sent.status_code == 404


async def test_what_is_not_sold_is_unknown(fleet, web):
    await entered(fleet, web, OperatorRole.SUPPORT)
    assert (await web.get(CATALOGS, params={"list": "<script>"})).status_code == 404
    for version in ("-1", "x", "9" * 40, ""):
        asked = CORE | {"version": version}
        assert (await web.get(CATALOGS, params=asked)).status_code in (404, 422), version
    nobody = await web.get(CATALOGS, params=CORE | {"plan": "<script>"})
    assert "<script>" not in nobody.text.partition("<main")[2]
