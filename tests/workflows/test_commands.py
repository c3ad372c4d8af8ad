"""Every command that looks at, or acts on, a deployment: run in this process beside the fleet."""

from tests.fleet import RunningFleet
from tests.workflows.commanding import Run, a_team, send

EVENT_AT = "2026-01-01T00:00:00Z"
WIDEST = 120
REPORTS = (
    "usage", "usage-by-day", "usage-by-tag", "usage-by-member", "events", "period",
    "outcomes", "prices", "liability", "movement", "statement",
)  # fmt: skip


async def test_commands_show_an_operator_a_team_and_what_waits_for_somebody(run: Run) -> None:
    await a_team(run, "cmd-team")
    for member in (
        {"member": "ada", "name": "Ada", "email": "ada@team.test", "limits": {"credits": "200"}},
        {"member": "grace", "name": "Grace", "email": "grace@team.test", "role": "admin"},
    ):
        assert (await send(run, "cmd-team", "set_member", member)).json["status"] == "done"
    event = {"action": "phone_lookup", "event_at": EVENT_AT}
    held = await send(
        run, "cmd-team", "hold",
        event | {"key": "h", "quantity": "5", "lapses_at": "2099-01-01T00:00:00Z"},
    )  # fmt: skip
    asked = await send(
        run, "cmd-team", "request_approval",
        event | {"key": "large", "member": "ada", "quantity": "40"},
    )  # fmt: skip
    used = await run(
        "use", "cmd-team", "phone_lookup", "2", "--key", "u", "--tag", "member=ada",
        "--tag", "campaign=fall",
    )  # fmt: skip
    status = (await run("status", "cmd-team")).json

    assert (held.json["status"], asked.json["status"]) == ("held", "waiting")
    assert (used.json["charged"], used.json["available"]) == ({"credits": "4"}, "486")
    assert status["ledger: credits held"] == "10"
    assert status["ledger: waiting approvals"][0].startswith("approval:cmd-team:large of ada")
    assert (await run("team", "cmd-team", "--member", "ada", "--json")).json["members"][0][
        "used_this_window"
    ] == "4"
    assert "restricted" not in (await run("team", "cmd-team")).out
    assert (await run("meter", "cmd-team")).json["available"] == {"credits": "486"}
    assert (await run("notices", "cmd-team", "--unread")).json == []
    assert "phone_lookup x 2 [u]" in (await run("history", "cmd-team")).out


async def test_every_report_fits_a_terminal_and_breaks_no_number(run: Run, tmp_path) -> None:
    await a_team(run, "cmd-books")
    await run("use", "cmd-books", "ai_email", "3", "--key", "u", "--tag", "campaign=fall")
    await send(run, "cmd-books", "buy_pack", {"key": "p", "pack": "pack_1000"})
    for name in REPORTS:
        tag = ("--tag", "campaign") if name in ("usage-by-tag", "outcomes") else ()
        shown = await run("report", name, "--customer", "cmd-books", *tag)

        assert (shown.code, shown.err) == (0, "")
        assert max(map(len, shown.out.splitlines())) <= WIDEST, shown.out
    movement = await run("report", "movement", "--customer", "cmd-books")
    nowhere = tmp_path / "no folder" / "usage.csv"
    refused = await run("report", "usage", "--csv", str(nowhere))

    assert "74.00" in movement.out  # 29 for the plan and 45 for the pack
    assert (refused.code, refused.err.split(":")[0]) == (2, "file_not_written")


async def test_invoices_can_be_listed_and_mailed(run: Run, fleet: RunningFleet) -> None:
    await a_team(run, "cmd-papers")
    listed = await run("invoices", "cmd-papers")
    invoice = next(word for word in listed.out.split() if word.startswith("in_"))
    mailed = await run(
        "mail-invoice", "cmd-papers", invoice, "--to", "books@team.test", "--key", "m"
    )

    assert "USD 29.00" in listed.out
    assert "4242" in (await run("cards", "cmd-papers")).out
    assert (mailed.json["status"], mailed.json["to"]) == ("done", "books@team.test")


async def test_commands_for_whole_lives_leave_alone_what_runs(run: Run) -> None:
    await a_team(run, "cmd-lives")
    rebuilt = await run("rebuild", "cmd-lives")
    preview = await run("migrate-plans", "salestools", "starter", "--preview")
    made = await run("bootstrap", "--endpoint", "cmd-lives")
    registered = await run("bootstrap", "--endpoint", "cmd-lives")

    assert rebuilt.out.split() == ["cmd-lives:", "already", "runs:", "nothing", "to", "do"]
    assert "cmd-lives" in preview.out
    assert made.out.startswith("registered the Nexus endpoint cmd-lives")
    assert registered.out.startswith("registered nothing")


async def test_what_cannot_be_done_says_its_reason_once_and_its_cure(run: Run) -> None:
    await a_team(run, "cmd-wrong")
    for words, reason in (
        (("send", "cmd-wrong", "refund", "{bad"), "malformed"),
        (("send", "cmd-wrong", "refund", "[]"), "malformed"),
        (("send", "cmd-wrong", "nonsense", "{}"), "unknown_message"),
        (("send", "cmd-nobody", "refund", "{}"), "unknown_subscription"),
        (("status", "cmd-nobody"), "unknown_subscription"),
        (("use", "cmd-wrong", "ai_email", "1", "--key", "k", "--tag", "ada"), "invalid_tags"),
        (("rebuild",), "missing_field"),
        (("migrate-plans", "salestools", "nonsense"), "unknown_plan"),
        (("report", "outcomes"), "missing_tag"),
    ):
        answer = await run(*words)

        assert (answer.code, answer.err.count(f"{reason}:")) == (2, 1), answer.err
        assert answer.err.startswith(f"{reason}: ")
