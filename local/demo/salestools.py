"""Salestools: a team on one allowance, with limits, approvals, an alert and packs."""

from temporalio.client import Client

from domain.credits import MICRO
from local.demo.door import Product
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
)
from local.demo.trace import Request
from local.timeline import Json, Timeline
from workflows import names

CUSTOMER = "s-salestools"
VERIFICATIONS, EMAILS, MEETINGS = 399, 200, 12
STEPS = 8
BEN = {"member": "ben", "campaign": "list-cleaning"}
ADA = {"member": "ada", "campaign": "ai"}


async def team(scene: Scene, _: tuple[Request, ...], progress: Progress) -> Story:
    """Live a month of a team of three on Starter's 500 credits."""
    life = await begin(scene, CUSTOMER, "Sam Outreach", "starter", catalog="salestools")
    product = Product(scene, CUSTOMER)
    await _hire(life)
    await _report(product, "email_verification", VERIFICATIONS, BEN)
    await product.use("ai_email", "1", "user_limit", key="ben-too-much", tags={"member": "ben"})
    # Half a credit still fits his 200.
    await product.use("email_verification", "1", key="ben-half", tags={"member": "ben"})
    progress(2, STEPS)
    await _report(product, "ai_email", EMAILS, ADA)
    await _report(product, "meeting_booked", MEETINGS, ADA)
    alert = await mail(scene, f"{CUSTOMER}@example.com", "100 credits")
    progress(4, STEPS)

    await _ask_for_eighty(life, product)
    await product.use("phone_lookup", "15", key="cem-calls", tags={"member": "cem"})
    await _decide(scene.client, "insufficient_credits")  # 70 are left: it goes on waiting
    progress(5, STEPS)
    await expect(life, "buy_pack", {"key": "pack-1", "pack": "pack_500"}, "paid")
    await _decide(scene.client, "done")
    progress(6, STEPS)
    taken = await product.expect("/holds/big-list/capture", {"quantity": "35"}, "captured")
    must(taken["taken"], {CREDITS: "70"}, "what 35 lookups take of the 80 held")
    await product.use("send_email", "1", key="free-mail")
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


async def _report(product: Product, action: str, times: int, tags: Json) -> None:
    await product.report(
        [
            {"key": f"{action}-{n}", "action": action, "quantity": "1", "tags": tags}
            for n in range(times)
        ]
    )


async def _ask_for_eighty(life: Timeline, product: Product) -> None:
    wanted: Json = {"key": "big-list", "action": "phone_lookup", "quantity": "40"}
    await product.use(
        "phone_lookup", "40", "approval_required", key="unasked", tags={"member": "ben"}
    )
    at = (await life.now()).isoformat()
    asked = {**wanted, "event_at": at, "member": "cem"}
    await expect(life, "request_approval", asked, "waiting")


async def _decide(client: Client, wanted: str) -> None:
    approval = client.get_workflow_handle(names.approval_workflow(CUSTOMER, "big-list"))
    answer = await approval.execute_update("approve", {"by": "ada"})
    if wanted not in (answer["status"], answer.get("reason")):
        raise StoryError(f"the approval should be {wanted}: {answer}")
