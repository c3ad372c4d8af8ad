"""Scalenut: monthly quotas first, then a wallet in dollars, and nothing unasked."""

from domain.credits import MICRO, parse_credits
from local.demo.scene import Scene
from local.demo.telling import Progress, Story, begin, expect, must, use
from local.demo.trace import Request

CUSTOMER = "l-scalenut"
DOCS, WORDS = 30, 200_000  # what Growth includes
WALLET = "usd_wallet"
STEPS = 9


async def wallet(scene: Scene, _: tuple[Request, ...], progress: Progress) -> Story:
    """Use up all but 500 words of the quotas, then play worked number M15 on ten dollars."""
    life = await begin(scene, CUSTOMER, "Lena Longform", "growth", catalog="scalenut")
    await use(life, "ai_words", str(WORDS - 500))
    await use(life, "seo_doc", str(DOCS))
    progress(2, STEPS)
    await expect(life, "buy_credits", {"key": "ten-dollars", "credits": "10"}, "paid")
    progress(3, STEPS)

    asked = await use(life, "ai_words", "1500", "confirmation_required", key="job-1")
    must(asked["asked"], {"credits": {WALLET: "2"}}, "the price that is asked for")
    job = await use(life, "ai_words", "1500", key="job-1", confirmed=True)
    must(job["charged"], {"ai_word_quota": "500", WALLET: "2"}, "quota first, wallet next")
    progress(5, STEPS)
    await use(life, "seo_doc", "1", "confirmation_required", key="doc-1")
    await use(life, "seo_doc", "1", key="doc-1", confirmed=True)
    progress(7, STEPS)
    word = await use(life, "ai_words", "1", key="one-word")  # confirmed for this window already
    must(word["available"], "5.998", "the wallet after one word")
    await use(life, "ai_words", "2999", key="the-rest")
    await use(life, "ai_words", "1", "insufficient_credits", key="one-too-many")
    progress(STEPS, STEPS)
    return Story(
        customer_id=CUSTOMER,
        title="L  Scalenut: quota, then a wallet that asks",
        plan="Growth",
        sent=6,
        used={
            "ai_word_quota": WORDS * MICRO,
            "seo_doc_quota": DOCS * MICRO,
            WALLET: 10 * MICRO,
        },
        left={"ai_word_quota": 0, "seo_doc_quota": 0, WALLET: parse_credits("0")},
        paid_minor=(7900, 1000),
        facts=(
            "1,500 words = 500 of the quota + $2.00, once confirmed",
            "$5.998 after one word more",
        ),
        shown=WALLET,
    )
