"""Commands say what really happened, in words and in their exit code."""

from pathlib import Path

from tests.workflows.commanding import Run, a_team, send

SUBSCRIBE = ("subscribe", "--email", "ops@acme.test", "--plan", "core_10k")


async def test_subscribe_waits_and_says_that_the_first_period_is_paid(run: Run) -> None:
    begun = await run(*SUBSCRIBE, "said-acme", "--card", "pm_card_visa")
    used = await run("use", "said-acme", "operation", "1", "--key", "at-once")

    assert (begun.code, begun.err) == (0, "")
    assert "said-acme is active" in begun.out
    assert "10000 credits" in begun.out
    assert "$9.00 for the period paid" in begun.out
    assert used.json["status"] == "debited"


async def test_subscribe_that_fails_says_why_and_is_no_success(run: Run) -> None:
    card = ("--card", "pm_card_visa")
    await run(*SUBSCRIBE, "said-taken", *card)
    for words, reason in (
        ((*SUBSCRIBE, "said-taken", "--subscription", "said-second", *card), "already_subscribed"),
        ((*SUBSCRIBE, "said-zone", "--time-zone", "Europe/Atlantis", *card), "unknown_time_zone"),
        ((*SUBSCRIBE, "said-poor", "--card", "pm_card_chargeCustomerFail"), "declined"),
        ((*SUBSCRIBE, "said-cardless"), "no_payment_method"),
    ):
        answer = await run(*words)

        assert (answer.code, answer.err.split(":")[0]) == (1, reason), (answer.out, answer.err)


async def test_subscribe_says_when_a_start_to_come_will_begin(run: Run) -> None:
    begun = await run(
        *SUBSCRIBE, "said-later", "--card", "pm_card_visa", "--begins-at", "2099-01-01T00:00:00Z"
    )

    assert begun.code == 0
    assert "begins at 2099-01-01" in begun.out


async def test_subscribe_by_invoice_says_that_it_waits_for_a_transfer(run: Run) -> None:
    wanted = ("--catalog", "salestools", "--plan", "enterprise_yearly")
    begun = await run("subscribe", *wanted, "--email", "ada@example.com", "said-invoiced")

    assert begun.code == 3, begun.err  # under way
    assert "waits for a transfer" in begun.out


async def test_status_of_a_failed_workflow_says_so_and_why(run: Run) -> None:
    await run(*SUBSCRIBE, "said-first", "--card", "pm_card_visa")
    await run(*SUBSCRIBE, "said-first", "--subscription", "said-failed", "--card", "pm_card_visa")
    status = await run("status", "said-failed")

    assert status.code == 1
    assert status.json["workflow"] == "failed"
    assert status.json["reason"] == "already_subscribed"
    assert status.json["cure"]
    assert "busy" not in status.json


async def test_what_is_refused_or_declined_is_no_success(run: Run) -> None:
    await a_team(run, "said-refused")
    await run(*SUBSCRIBE, "said-units", "--card", "pm_card_visa")
    note = {"by": "ann", "reason": "checked"}
    for refused in (
        await run("use", "said-refused", "dance", "1", "--key", "k"),
        await run("buy", "said-units", "999", "--key", "k"),
        await send(run, "said-refused", "resume", note),
        await run("mail-invoice", "said-refused", "in_nowhere", "--key", "m"),
    ):
        assert (refused.code, refused.json["status"]) == (1, "refused")
        assert refused.json["reason"]
    assert (await send(run, "said-refused", "pause", note)).code == 0


async def test_the_meter_says_what_may_still_be_bought_changed_and_used(run: Run) -> None:
    await run(*SUBSCRIBE, "said-meter", "--card", "pm_card_visa")
    await send(run, "said-meter", "set_auto_purchase", {"on": True})
    member = {
        "member": "ada",
        "name": "Ada",
        "email": "ada@acme.test",
        "limits": {"credits": "200"},
    }
    await send(run, "said-meter", "set_member", member)
    told = (await run("meter", "said-meter", "--member", "ada")).json
    status = (await run("status", "said-meter")).json

    assert told["auto_purchase"] == {
        "on": True, "cap": "10000", "bought": "0", "left": "10000", "units_left": 1,
    }  # fmt: skip
    assert (told["can_use"], told["left_of_limit"]) == ("200", "200")
    assert told["frozen"] == {}
    assert {one["plan"] for one in told["changes"]} >= {"core_40k", "free"}
    upgrade = next(one for one in told["changes"] if one["plan"] == "core_40k")
    assert upgrade["kind"] == "upgrade"
    assert 0 < upgrade["amount_minor"] <= 2000
    assert status["ledger: auto-purchase left"] == "10000 credits, 1 units"


async def test_history_and_charges_name_whose_word_it_was(run: Run, tmp_path: Path) -> None:
    await run(*SUBSCRIBE, "said-books", "--card", "pm_card_visa")
    bought = (await run("buy", "said-books", "1000", "--key", "more")).json
    gift = {"key": "sorry", "credits": "5", "reason": "outage", "by": "ann"}
    await send(run, "said-books", "adjust_credits", gift)
    back = {"key": "r", "charge_id": bought["charge_id"], "amount_minor": "all", "by": "bob"}
    await send(run, "said-books", "refund", back | {"reason": "by mistake"})
    await send(run, "said-books", "pause", {"reason": "fraud check", "by": "ann"})
    await run("history", "said-books", "--csv", str(tmp_path / "history.csv"))
    words = (tmp_path / "history.csv").read_text(encoding="utf-8")
    shown = (await run("charges", "said-books")).out
    listed = (await run("charges", "said-books", "--json")).json
    status = (await run("status", "said-books")).json

    assert "outage, by ann" in words
    assert "by mistake of said-books:manual:more, by bob" in words
    assert "paused: fraud check, by ann" in words
    assert [(one["kind"], one["state"], one["returned_minor"]) for one in listed] == [
        ("manual_purchase", "paid", 90),
        ("period", "paid", 0),
    ]
    assert listed[0]["charge_id"] == "said-books:manual:more"
    assert "$0.90" in shown
    assert status["pause"] == "fraud check, by ann"


async def test_a_correction_says_what_came_back_and_a_refused_one_is_no_success(run: Run) -> None:
    await run(*SUBSCRIBE, "said-corrected", "--card", "pm_card_visa")
    await run("use", "said-corrected", "operation", "20", "--key", "job")
    why = ("--reason", "twelve in truth", "--by", "ann")
    correct = ("correct", "said-corrected", "job")
    done = await run(*correct, "12", "--key", "c1", *why)
    again = await run(*correct, "12", "--key", "c1", *why)
    more = await run(*correct, "30", "--key", "c2", *why)

    assert (done.code, done.json["given"]) == (0, {"credits": "8"})
    assert done.json["available"] == "9988"
    assert again.json == done.json
    assert (more.code, more.json["status"]) == (1, "refused")
