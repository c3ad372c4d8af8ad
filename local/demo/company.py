"""A company in New York: sales tax on every price, and a bank account whose money takes days."""

import asyncio

import httpx

from domain.credits import MICRO
from ledger import accounts
from local import patience
from local.demo.door import Product
from local.demo.scene import Scene
from local.demo.telling import CREDITS, Progress, Story, StoryError, begin, must, until
from local.demo.trace import Request
from local.timeline import Json

CUSTOMER = "t-company"
ACCOUNT = "pm_usBankAccount_success"
NEW_YORK = {"country": "US", "state": "NY", "postal_code": "10001"}  # 8.875 % here
STEPS = 6


async def by_bank_debit(scene: Scene, _: tuple[Request, ...], progress: Progress) -> Story:
    """Begin a plan and buy more credits: each is taxed, and usable once its money has come."""
    life = await begin(
        scene,
        CUSTOMER,
        "Tess Company",
        "launch_taxed",
        catalog="schematic",
        pays_with=ACCOUNT,
        status="pending",
    )
    product = Product(scene, CUSTOMER)
    must(await _on_its_way(product), [], "what is charged while nobody knows where to tax it")
    await _says_where_it_is(scene)
    progress(1, STEPS)
    await _money_is_on_its_way(product, 4355)
    await product.use("pdf", "1", "no_subscription", key="too-soon")
    progress(2, STEPS)
    await _comes(scene)
    await until(life, lambda now: now["status"] == "active")
    progress(3, STEPS)

    wanted: Json = {"credits": "500"}
    shown = await product.asks("purchases", {**wanted, "preview": True}, "preview")
    must((shown["amount_minor"], shown["tax"]["tax_minor"]), (1089, 89), "500 credits with tax")
    asked = {**wanted, "expected_minor": shown["amount_minor"]}
    await product.asks("purchases", asked, "processing", key="more")
    await _money_is_on_its_way(product, 1089)
    must((await life.status())["available"], "2000", "credits before their money")
    progress(4, STEPS)
    await _comes(scene)
    await until(life, lambda now: now["available"] == "2500")
    progress(5, STEPS)
    await product.use("pdf", "2400", key="year-end")
    progress(STEPS, STEPS)
    return Story(
        customer_id=CUSTOMER,
        title="T  A company: by bank debit, with sales tax",
        plan="Launch for companies",
        sent=1,
        used={CREDITS: 2400 * MICRO},
        left={CREDITS: 100 * MICRO},
        paid_minor=(4355, 1089),
        facts=(
            "nothing charged before its address was known",
            "$43.55 and $10.89 on their way first, then usable",
            "8.875 % tax of $40.00 and $10.00, shown before",
        ),
    )


async def _says_where_it_is(scene: Scene) -> None:
    """Give the processor the address, as its own page does."""
    with scene.engine.connect() as connection:
        known = accounts.details_of(connection, scene.account_of(CUSTOMER))
    standin = scene.stack.standin
    url = f"{standin.base_url}/v1/customers/{known.payer}"
    form = {f"address[{name}]": value for name, value in NEW_YORK.items()}
    async with httpx.AsyncClient() as http:
        answer = await http.post(
            url, data=form, headers={"Authorization": f"Bearer {standin.api_key}"}
        )
    answer.raise_for_status()


async def _on_its_way(product: Product) -> list[int]:
    found = await product.reads("balance")
    return [one["amount_minor"] for one in found["on_its_way"]]


async def _money_is_on_its_way(product: Product, amount_minor: int) -> None:
    what = f"{amount_minor} cents of {product.customer_id} on their way"
    seen = await patience.until(lambda: _on_its_way(product), bool, what)
    must(seen, [amount_minor], what)


async def _comes(scene: Scene) -> None:
    """Let the money on its way come."""
    await asyncio.to_thread(_settle, scene)


def _settle(scene: Scene) -> None:
    query = "SELECT invoice FROM charges WHERE account_id = %s AND state = 'processing'"
    with scene.engine.connect() as connection:
        account = scene.account_of(CUSTOMER)
        invoices = connection.exec_driver_sql(query, (account,)).scalars().all()
    if len(invoices) != 1:
        raise StoryError(f"one invoice should be on its way, not {invoices}")
    scene.stack.standin.post("/_settle", invoice=invoices[0])
