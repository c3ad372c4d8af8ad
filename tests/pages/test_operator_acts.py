"""What operators do: exact before the click, done once, with who and why; large acts by two."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.access.operators import OperatorRole
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered
from tests.workflows.test_imports import bring

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


async def done(web, page, act, **typed):
    """Preview an act and do what was shown."""
    _, fields = await confirmed(web, page, f"{ACT}/preview_{act}", f"{ACT}/{act}", **typed)
    return await web.post(f"{ACT}/{act}", data=fields)


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


async def test_a_refund_of_what_was_paid_elsewhere_says_that_no_money_is_sent(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    await bring(acme)
    page = f"{CHARGE}?id={acme.name}&charge={acme.name}%3Aimport%3Aold-1"
    assert "No money is sent" in (await web.get(page)).text
    typed = {"amount": "0.45", "reason": "they have left"}
    shown, fields = await confirmed(web, page, f"{CHARGE}/preview", f"{CHARGE}/refund", **typed)
    for told in ("No money is sent", "Pay the money back where it was paid", "Book the refund of"):
        assert told in shown, told
    assert "Sent to the card" not in shown
    assert (await web.post(f"{CHARGE}/refund", data=fields)).status_code == 303
    assert "no money was sent from here" in (await web.get(page)).text
    timeline = (await web.get(f"/operator/customer?id={acme.name}")).text
    assert "To be paid back where it was paid" in timeline
    assert "Money sent back" not in timeline


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
    token = forms_of(await web.get(f"{ACT}?id={acme.name}"), f"{ACT}/preview_pause")[0]["csrf"]
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
    again["csrf"] = forms_of(await web.get(f"{ACT}?id={acme.name}"), f"{ACT}/preview_pause")[0][
        "csrf"
    ]
    assert (await web.post(f"{PROPOSALS}/confirm", data=again)).status_code >= 400
    assert given(acme) == []
    assert acts(acme) == [("adjust", "refused", by.email, second.email, HOSTILE)]
    assert f"refused by {second.email}" in (await web.get(PROPOSALS)).text


async def test_pause_resume_and_end_keep_who_and_why(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    page = f"{ACT}?id={acme.name}"
    assert (await done(web, page, "pause", reason="fraud?")).status_code == 303
    shown = (await web.get(f"/operator/customer?id={acme.name}")).text
    assert f"“fraud?” · by {ann.email}" in shown
    assert (await done(web, page, "resume", reason="fine")).status_code == 303
    await acme.cancel()
    typed = {"reason": "stays, by phone"}
    shown, fields = await confirmed(
        web, page, f"{ACT}/preview_uncancel", f"{ACT}/uncancel", **typed
    )
    for told in ("$9.00 on ", "10,000 "):
        assert told in shown, told
    back = await web.post(f"{ACT}/uncancel", data=fields)
    assert back.status_code == 303
    assert not (await acme.life.status())["cancel_at_end"]
    assert "End taken back" in (await web.get(f"/operator/customer?id={acme.name}")).text
    assert f"{ACT}/preview_uncancel" not in (await web.get(page)).text
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


async def test_a_pause_shows_what_stops_and_a_resume_what_goes_on(fleet, web, ann):
    acme = await fleet.subscribe("core_10k")
    page, typed = f"{ACT}?id={acme.name}", {"reason": HOSTILE}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_pause", f"{ACT}/pause", **typed)
    for told in ("10,000 ", "$9.00, due ", "an operator resumes it"):
        assert told in shown, told
    assert HOSTILE not in shown
    for edited in ({"seen": "{}"}, {"seen": fields["seen"].replace("900", "1")}):
        again = await web.post(f"{ACT}/pause", data={**fields, **edited})
        assert again.status_code == 200
        assert "This has changed meanwhile" in again.text
    unseen = {name: value for name, value in fields.items() if name != "seen"}
    assert (await web.post(f"{ACT}/pause", data=unseen)).status_code == 200
    assert acme.rows("SELECT 1 FROM pauses WHERE account_id = %s") == []
    for _ in range(2):
        assert (await web.post(f"{ACT}/pause", data=fields)).status_code == 303
    paused = "SELECT count(*) FROM pauses WHERE account_id = %s"
    assert acme.rows(paused) == [(1,)]
    shown, fields = await confirmed(
        web, page, f"{ACT}/preview_resume", f"{ACT}/resume", reason="fine"
    )
    for told in ("10,000 ", "Charged next", "$9.00 on "):
        assert told in shown, told
    assert (await web.post(f"{ACT}/resume", data=fields)).status_code == 303


async def test_a_retry_shows_each_charge_its_amount_and_the_card(fleet, web, ann):
    acme = await fleet.subscribe("core_10k", auto=True)
    page = f"{ACT}?id={acme.name}"
    nothing = await sent(web, page, f"{ACT}/preview_retry", reason="r")
    assert nothing.status_code == 409
    assert f'action="{ACT}/retry"' not in nothing.text
    await acme.update_card("tok_chargeCustomerFail")
    await acme.use("10001")
    typed = {"reason": HOSTILE}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_retry", f"{ACT}/retry", **typed)
    ((charge, minor),) = acme.rows(
        "SELECT charge_id, amount_minor FROM charges"
        " WHERE account_id = %s AND kind = 'auto_purchase'"
    )
    assert minor == 1170
    for told in (charge, "$11.70", "declined 1 time", "Visa", "0341", "Tried now"):
        assert told in shown, told
    assert HOSTILE not in shown
    edited = {**fields, "seen": fields["seen"].replace(str(minor), "1")}
    assert "This has changed meanwhile" in (await web.post(f"{ACT}/retry", data=edited)).text
    assert acts(acme) == []
    before = acme.attempts()
    for _ in range(2):
        assert (await web.post(f"{ACT}/retry", data=fields)).status_code == 303
    await acme.life.settle()
    assert acme.attempts() == before + 1
    assert acts(acme) == [("retry", "done", ann.email, None, HOSTILE)]


async def test_a_bonus_shows_credits_and_until_when_and_is_given_once(fleet, web, ann):
    acme = await fleet.subscribe("team_500", catalog="zaplify")
    page, typed = f"{ACT}?id={acme.name}", {"bonus": "referral", "invitee": " ada ", "reason": "r"}
    shown, fields = await confirmed(web, page, f"{ACT}/preview_bonus", f"{ACT}/bonus", **typed)
    for told in ("+20 ", "for ada", "Until", "500 ", "520 "):
        assert told in shown, told
    own = await sent(web, page, f"{ACT}/preview_bonus", **typed | {"invitee": acme.name})
    assert own.status_code == 403
    for wrong in ({"invitee": " "}, {"invitee": "x" * 65}, {"bonus": "none"}):
        answer = await sent(web, page, f"{ACT}/preview_bonus", **typed | wrong)
        assert answer.status_code in (400, 404, 422), wrong
    for _ in range(2):
        assert (await web.post(f"{ACT}/bonus", data=fields)).status_code == 303
    assert len(acme.grants("bonus")) == 1
    again, _ = await confirmed(web, page, f"{ACT}/preview_bonus", f"{ACT}/bonus", **typed)
    assert "was given already" in again


async def test_a_bonus_is_given_an_end_in_days_or_a_last_day_and_shows_it_before(fleet, web, ann):
    acme = await fleet.subscribe("team_500", catalog="zaplify")
    page, typed = f"{ACT}?id={acme.name}", {"bonus": "referral", "reason": "r"}
    preview = (web, page, f"{ACT}/preview_bonus")
    for wrong in (
        {"valid_days": "3", "last_day": "2027-03-31"},
        *({"valid_days": days} for days in ("0", "3661", "x", "1.5")),
        *({"last_day": day} for day in ("2020-01-01", "9999-12-31", "x")),
    ):
        answer = await sent(*preview, **typed | {"invitee": "eve"} | wrong)
        assert answer.status_code == 422, wrong
    for given, told in (
        ({"valid_days": "45"}, "45 days from"),
        ({"last_day": "2027-03-31"}, "Apr"),
    ):
        whom = {"invitee": f"ada-{told[0]}"}
        shown, fields = await confirmed(*preview, f"{ACT}/bonus", **typed, **whom, **given)
        assert told in shown
        assert (await web.post(f"{ACT}/bonus", data=fields)).status_code == 303
    ends = acme.rows(
        "SELECT expires_at, expires_at - effective_at FROM grants WHERE account_id = %s"
        " AND source = 'bonus' ORDER BY 1"
    )
    assert (ends[0][1], ends[1][0]) == (timedelta(days=45), datetime(2027, 4, 1, tzinfo=UTC))


async def test_forms_of_others_and_of_lesser_roles_do_nothing(fleet, web):
    acme = await fleet.subscribe("core_10k")
    await entered(fleet, web, OperatorRole.FINANCE)
    shown = await web.get(f"{ACT}?id={acme.name}")
    assert f"{ACT}/preview_end" not in shown.text
    (fields,) = forms_of(shown, f"{ACT}/preview_pause")
    for act in ("end", "uncancel", "retry", "bonus", "move"):
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
