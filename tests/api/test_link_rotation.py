"""A new secret for links is put before the old one: what was mailed opens until that is gone."""

from datetime import UTC, datetime

import httpx
import pytest

from activities.context import BillingContext
from domain.mails.links import account_link
from local.stripe_standin.process import WEBHOOK_SECRET
from tests.api.arrangements import api

pytestmark = pytest.mark.long

OLD, NEW = "the secret that is on its way out", "the secret that was made this very day"


def test_a_mailed_link_opens_until_its_secret_is_gone(variables, engine, desk, servers_folder):
    wallet, _ = desk.customer()
    opened = []
    for secrets in (OLD, f"{NEW}, {OLD}", NEW):
        with api(variables | {"LINK_SECRETS": secrets}, servers_folder) as url:
            mailed = BillingContext(engine, {}, url, (OLD,)).account_link(
                wallet.subscription_id, datetime.now(UTC)
            )
            opened.append(httpx.get(mailed, timeout=None).status_code)

    assert opened == [303, 303, 404]


async def test_the_webhooks_secret_opens_no_link(http, desk):
    wallet, _ = desk.customer()
    guessed = account_link("", (WEBHOOK_SECRET,), wallet.subscription_id, datetime.now(UTC))

    assert (await http.get(guessed)).status_code == 404
