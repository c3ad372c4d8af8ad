"""The page about a wallet of several products: its requests, its sums, its negotiated price."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.pricing.published import compare, items_of
from settings import CATALOGS
from tests.workflows.http.test_page import requests
from tests.workflows.http.test_starting import begun

PAGE = Path(__file__).parents[3] / "docs" / "one_wallet.md"
YAML = re.compile(r"^```yaml\n(.*?)```", re.MULTILINE | re.DOTALL)
LIST = CATALOGS / "salestools.yaml"


@pytest.mark.long
async def test_two_products_spend_one_wallet_as_the_page_says(fleet, door):
    answers = {}
    for method, path, headers, body in requests(PAGE):
        answer = await door.request(method, path, headers=headers, content=body)
        assert answer.status_code in (200, 201), (path, answer.text)
        answers[path] = answer.json()
        if path == "/subscriptions":
            await begun(door, {"subscription_id": "pied"})

    left = answers["/customers/pied/balance"]["credit_types"]["credits"]["available"]
    assert f"leave {left} of 500" in PAGE.read_text(encoding="utf-8")


def test_the_page_s_own_plan_of_a_customer_changes_nothing_that_was_published(tmp_path):
    (plan,) = re.findall(
        r"^```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    sold = read_catalog(LIST)
    edited = tmp_path / "salestools.yaml"
    edited.write_text(f"{LIST.read_text(encoding='utf-8').rstrip()}\n{plan}", encoding="utf-8")

    read = read_catalog(edited)
    found = compare(items_of(sold), read, datetime(2027, 1, 1, tzinfo=UTC), frozenset())

    assert found.refused == ()
    assert [str(item) for item in found.fresh] == ["plan pied_2027 version 1"]
    assert not read.is_public(read.plan("pied_2027"))
    assert read.plan("pied_2027").price_minor == 1_900
