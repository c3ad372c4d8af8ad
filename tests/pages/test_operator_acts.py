"""What operators do: exact before the click, done once, with who and why; large acts by two."""

import pytest

from domain.access.operators import OperatorRole
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered

ACT, CHARGE, PROPOSALS = "/operator/act", "/operator/charge", "/operator/proposals"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
async def ann(fleet, web):
    """An operator of support who has signed in."""
    return await entered(fleet, web, OperatorRole.SUPPORT)


def acts(acme):
    return acme.rows(
        "SELECT act, state, made_by, decided_by, reason FROM operator_acts WHERE account_id = %s"
        " ORDER BY at"
    )


async def confirmed(web, page, first, second, **typed):
    """Send a form, then the one that it leads to with what was shown."""
    shown = await web.post(first, data={**forms_of(await web.get(page), first)[0], **typed})
    assert shown.status_code == 200, shown.text
    (fields,) = forms_of(shown, second)
    return shown.text, fields


async def bought(fleet):
    acme = await fleet.subscribe("core_10k")
    await acme.buy("3000", key="second")
    rows = acme.rows(
        "SELECT charge_id FROM charges WHERE account_id = %s AND kind = 'manual_purchase'"
    )
    return acme, rows[0][0]


async def test_a_refund_is_what_was_shown_and_is_made_once(fleet, web, ann):
    acme, charge = await bought(fleet)
    page = f"{CHARGE}?id={acme.name}&charge={charge}"
    typed = {"amount": "0.90", "reason": HOSTILE}
    shown, fields = await confirmed(web, page, f"{CHARGE}/preview", f"{CHARGE}/refund", **typed)
    for told in ("$0.90", "1,000", "12,000"):
        assert told in shown, told
    assert HOSTILE not in shown
    done = await web.post(f"{CHARGE}/refund", data=fields)
    assert done.status_code == 303, done.text
    await acme.life.settle()
    rows = "SELECT amount_minor, made_by, reason FROM refunds WHERE account_id = %s"
    assert acme.rows(rows) == [(90, ann.email, HOSTILE)]
    again = await web.post(f"{CHARGE}/refund", data=fields)
    assert again.status_code in (200, 303)
    await acme.life.settle()
    assert len(acme.rows(rows)) == 1
    told = (await web.get(done.headers["location"])).text
    assert ann.email in told
    acme.check()


async def test_a_refund_that_has_changed_is_shown_again(fleet, web, ann):
    acme, charge = await bought(fleet)
    page = f"{CHARGE}?id={acme.name}&charge={charge}"
    _, fields = await confirmed(
        web, page, f"{CHARGE}/preview", f"{CHARGE}/refund", amount="", reason="twice"
    )
    assert fields["amount_minor"] == "270"
    await acme.use("11000")
    for edited in ({}, {"amount_minor": "269"}, {"credits": "1"}, {"charge": "nothing"}):
        answer = await web.post(f"{CHARGE}/refund", data={**fields, **edited})
        assert answer.status_code != 303, edited
    assert acme.rows("SELECT 1 FROM refunds WHERE account_id = %s") == []
    for amount in ("x", "-1", "0", "0.001", "NaN", "1e99", HOSTILE):
        wrong = await sent(web, page, f"{CHARGE}/preview", amount=amount, reason="r")
        assert wrong.status_code in (400, 422), amount
    assert (await sent(web, page, f"{CHARGE}/preview", amount="", reason=" ")).status_code == 422


async def test_credits_are_given_with_who_and_why(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    page = f"{ACT}?id={acme.name}"
    typed = {"credits": "-5.5", "reason": HOSTILE}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_adjust", f"{ACT}/adjust", **typed)
    assert "9,994.5" in shown
    assert HOSTILE not in shown
    for _ in range(2):
        assert (await web.post(f"{ACT}/adjust", data=fields)).status_code == 303
    assert adjustments(acme) == [(-5_500_000, f"{HOSTILE}, by {ann.email}")]


async def proposed(fleet, web):
    """Return a customer for whom 1,001 credits are proposed, and who proposed them."""
    acme = await fleet.subscribe("launch", catalog="schematic")
    by = await entered(fleet, web, OperatorRole.SUPPORT)
    page, typed = f"{ACT}?id={acme.name}", {"credits": "1001", "reason": HOSTILE}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_adjust", f"{ACT}/adjust", **typed)
    assert "A second person must confirm this" in shown
    done = await web.post(f"{ACT}/adjust", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, PROPOSALS)
    assert given(acme) == []
    return acme, by


def given(acme):
    return [(change, cause) for change, cause in adjustments(acme) if change > 0]


def adjustments(acme):
    return [
        (one.change_micro, one.cause)
        for one in acme.history()
        if one.kind == "adjustment" or one.source == "adjustment"
    ]


def mine(answer, acme):
    """Return the fields of the forms about a customer, by the act."""
    return {
        act: [one for one in forms_of(answer, f"{PROPOSALS}/{act}") if one["customer"] == acme.name]
        for act in ("confirm", "refuse")
    }


async def test_a_large_adjustment_is_done_once_by_two_people(fleet, web):
    acme, by = await proposed(fleet, web)
    own = await web.get(PROPOSALS)
    assert "Another operator decides on this." in own.text
    assert HOSTILE not in own.text
    assert mine(own, acme) == {"confirm": [], "refuse": []}
    token = forms_of(await web.get(f"{ACT}?id={acme.name}"), f"{ACT}/pause")[0]["csrf"]
    ((act_id,),) = acme.rows("SELECT act_id FROM operator_acts WHERE account_id = %s")
    forged = {"csrf": token, "customer": acme.name, "proposal": act_id}
    answer = await web.post(f"{PROPOSALS}/confirm", data=forged)
    assert answer.status_code >= 400
    assert given(acme) == []

    second = await entered(fleet, web, OperatorRole.FINANCE)
    (fields,) = mine(await web.get(PROPOSALS), acme)["confirm"]
    unknown = await web.post(f"{PROPOSALS}/confirm", data={**fields, "proposal": "nothing"})
    assert unknown.status_code == 404
    for _ in range(2):
        done = await web.post(f"{PROPOSALS}/confirm", data=fields)
        assert done.status_code == 303, done.text
    cause = f"{HOSTILE}, by {by.email}, approved by {second.email}"
    assert given(acme) == [(1_001_000_000, cause)]
    assert acts(acme) == [("adjust", "done", by.email, second.email, HOSTILE)]
    refused = await web.post(f"{PROPOSALS}/refuse", data=fields)
    assert refused.status_code >= 400
    acme.check()


async def test_a_refused_proposal_stays_listed_and_is_never_done(fleet, web):
    acme, by = await proposed(fleet, web)
    second = await entered(fleet, web, OperatorRole.SUPPORT)
    (fields,) = mine(await web.get(PROPOSALS), acme)["refuse"]
    assert (await web.post(f"{PROPOSALS}/refuse", data=fields)).status_code == 303
    await entered(fleet, web, OperatorRole.ADMIN)
    again = dict(fields)
    again["csrf"] = forms_of(await web.get(f"{ACT}?id={acme.name}"), f"{ACT}/pause")[0]["csrf"]
    assert (await web.post(f"{PROPOSALS}/confirm", data=again)).status_code >= 400
    assert given(acme) == []
    assert acts(acme) == [("adjust", "refused", by.email, second.email, HOSTILE)]
    assert f"refused by {second.email}" in (await web.get(PROPOSALS)).text


async def test_pause_resume_and_end_keep_who_and_why(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    page = f"{ACT}?id={acme.name}"
    assert (await sent(web, page, f"{ACT}/pause", reason="fraud?")).status_code == 303
    shown = (await web.get(f"/operator/customer?id={acme.name}")).text
    assert f"“fraud?” · by {ann.email}" in shown
    assert (await sent(web, page, f"{ACT}/resume", reason="fine")).status_code == 303
    await acme.cancel()
    back = await sent(web, page, f"{ACT}/uncancel", reason="stays, by phone")
    assert back.status_code == 303
    assert not (await acme.life.status())["cancel_at_end"]
    assert "End taken back" in (await web.get(f"/operator/customer?id={acme.name}")).text
    assert f"{ACT}/uncancel" not in (await web.get(page)).text
    typed = {"when": "now", "reason": "moves away"}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_end", f"{ACT}/end", **typed)
    assert "10,000" in shown
    assert (await web.post(f"{ACT}/end", data=fields)).status_code == 303
    assert await acme.outcome() == "ended"
    assert sorted(acts(acme)) == [
        ("end", "done", ann.email, None, "moves away"),
        ("uncancel", "done", ann.email, None, "stays, by phone"),
    ]
    assert "moves away" in (await web.get(f"/operator/customer?id={acme.name}")).text


async def test_forms_of_others_and_of_lesser_roles_do_nothing(fleet, web):
    acme = await fleet.subscribe("core_10k")
    await entered(fleet, web, OperatorRole.FINANCE)
    shown = await web.get(f"{ACT}?id={acme.name}")
    assert f"{ACT}/preview_end" not in shown.text
    (fields,) = forms_of(shown, f"{ACT}/pause")
    for act in ("end", "uncancel", "retry", "bonus"):
        data = {**fields, "when": "now", "reason": "r", "bonus": "b", "invitee": "i"}
        assert (await web.post(f"{ACT}/{act}", data=data)).status_code == 403, act
    assert acts(acme) == []
    for edited in ({"customer": "nobody"}, {"csrf": "x"}):
        data = {**fields, "reason": "r", **edited}
        assert (await web.post(f"{ACT}/pause", data=data)).status_code == 404, edited
    for reason in ("", " ", "x" * 201, "a\x00b"):
        answer = await web.post(f"{ACT}/pause", data={**fields, "reason": reason})
        assert answer.status_code in (400, 422), reason
    assert acme.rows("SELECT 1 FROM pauses WHERE account_id = %s") == []
