"""Salestools: a team on one allowance, with limits, approvals, an alert and packs."""

from temporalio.client import Client

from domain.credits import MICRO
from local.demo.scene import Scene
from local.demo.telling import (
    CREDITS,
    Progress,
    Story,
    StoryError,
    begin,
    expect,
    mail,
    must,
    use,
)
from local.demo.trace import Request
from local.timeline import Json, Timeline
from workflows import names

CUSTOMER = "s-salestools"
VERIFICATIONS, EMAILS, MEETINGS = 399, 200, 12
STEPS = 8


async def team(scene: Scene, _: tuple[Request, ...], progress: Progress) -> Story:
    """Live a month of a team of three on Starter's 500 credits."""
    life = await begin(scene, CUSTOMER, "Sam Outreach", "starter", catalog="salestools")
    await _hire(life)
    await _report(
        life=life,
        action="email_verification",
        times=VERIFICATIONS,
        member="ben",
        campaign="list-cleaning",
    )
    await use(life, "ai_email", "1", "user_limit", key="ben-too-much", tags={"member": "ben"})
    # Half a credit still fits his 200.
    await use(life, "email_verification", "1", key="ben-half", tags={"member": "ben"})
    progress(2, STEPS)
    await _report(life=life, action="ai_email", times=EMAILS, member="ada", campaign="ai")
    await _report(life=life, action="meeting_booked", times=MEETINGS, member="ada", campaign="ai")
    alert = await mail(scene, f"{CUSTOMER}@example.com", "100 credits")
    progress(4, STEPS)

    await _ask_for_eighty(life)
    await use(life, "phone_lookup", "15", key="cem-calls", tags={"member": "cem"})
    await _decide(scene.client, "insufficient_credits")  # 70 are left: it goes on waiting
    progress(5, STEPS)
    await expect(life, "buy_pack", {"key": "pack-1", "pack": "pack_500"}, "paid")
    await _decide(scene.client, "done")
    progress(6, STEPS)
    taken = await expect(life, "capture", {"key": "big-list", "quantity": "35"}, "captured")
    must(taken["taken"], {CREDITS: "70"}, "what 35 lookups take of the 80 held")
    await use(life, "send_email", "1", key="free-mail")
    progress(STEPS, STEPS)
    return Story(
        customer_id=CUSTOMER,
        title="S  Salestools: a team's month on Starter",
        plan="Starter",
        sent=VERIFICATIONS + EMAILS + MEETINGS + 4,
        used={CREDITS: 500 * MICRO},
        left={CREDITS: 500 * MICRO},
        paid_minor=(2900, 2500),
        facts=(
            "ben stopped at his limit of 200, to the half credit",
            f"one alert: {alert['subject']}",
            "80 credits waited for an admin, were held, 70 captured",
            f"{MEETINGS} meetings for {EMAILS} credits of AI email",
        ),
    )


async def _hire(life: Timeline) -> None:
    for member, more in (
        ("ada", {"role": "admin"}),
        ("ben", {"limits": {CREDITS: "200"}}),
        ("cem", {}),
    ):
        address = {"name": member.title(), "email": f"{member}@{CUSTOMER}.example"}
        await expect(life, "set_member", {"member": member, **address, **more}, "done")


async def _report(life: Timeline, action: str, times: int, member: str, campaign: str) -> None:
    at = (await life.now()).isoformat()
    tags = {"member": member, "campaign": campaign}
    await life.record(
        [
            {
                "key": f"{action}-{n}",
                "action": action,
                "quantity": "1",
                "event_at": at,
                "tags": tags,
            }
            for n in range(times)
        ]
    )
    await life.settle()


async def _ask_for_eighty(life: Timeline) -> None:
    wanted: Json = {
        "key": "big-list",
        "action": "phone_lookup",
        "quantity": "40",
        "event_at": (await life.now()).isoformat(),
    }
    refused = {**wanted, "tags": {"member": "ben"}}
    await expect(life, "consume", {**refused, "key": "unasked"}, "approval_required")
    await expect(life, "request_approval", {**wanted, "member": "cem"}, "waiting")


async def _decide(client: Client, wanted: str) -> None:
    approval = client.get_workflow_handle(names.approval_workflow(CUSTOMER, "big-list"))
    answer = await approval.execute_update("approve", {"by": "ada"})
    if wanted not in (answer["status"], answer.get("reason")):
        raise StoryError(f"the approval should be {wanted}: {answer}")
