"""A team comes from elsewhere: what it bought there works here, and goes back up to its cost."""

from datetime import datetime

import pytest

from activities.purchases.imports import Imported, carry_out, sums
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.payments.imports import read_balances
from tests.fleet import RunningFleet
from tests.price_lists import shipped
from tests.stories.telling import Told, subscribed

pytestmark = pytest.mark.long

COLUMNS = "customer,credits,credit_type,source,cost,currency,expires_at,key\n"
PACKS = """\
{team},600,credits,pack,27.00,USD,,old-7781
{team},40,credits,bonus,0,USD,2027-01-15T00:00:00Z,old-7802
"""


async def sends(team: Told, rows: str, *, confirm: bool) -> Imported:
    """Send a file as `cli.py import` does; what is only previewed is undone."""
    now: datetime = await team.customer.life.now()
    file = read_balances(COLUMNS + rows.format(team=team.customer.name))
    with team.customer.fleet.engine.connect() as connection:
        imported = carry_out(connection, shipped(), file, now, by="ann")
        assert imported.ties()
        if confirm:
            connection.commit()
    if confirm:
        await team.customer.life.signal("balance_changed", {})
        await team.customer.life.settle()
    return imported


async def test_what_was_bought_elsewhere_is_used_here_and_given_back_up_to_its_cost(
    fleet: RunningFleet,
) -> None:
    team = await subscribed(fleet, "salestools", "starter")

    preview = await sends(team, PACKS, confirm=False)
    assert sums(preview.rows) == {
        ("pack", "credits", "USD"): (1, 600 * MICRO, 2_700),
        ("bonus", "credits", "USD"): (1, 40 * MICRO, 0),
    }
    await team.has("500")  # nothing came by looking

    await sends(team, PACKS, confirm=True)
    await team.has("1140")
    again = await sends(team, PACKS, confirm=True)
    assert (len(again.new), len(again.repeated)) == (0, 2)
    await team.has("1140")
    assert team.customer.books()["opening"] == 2_700  # owed to them, and nobody paid us
    team.has_paid("29.00")

    await team.lives_until("2027-01-15")  # the bonus is over
    await team.has("1100")
    for _ in range(15):
        await team.uses("ai_email", 46, status="debited")
    await team.has("410")  # of the pack: 500 included ones went first
    back = {"charge_id": f"{team.customer.name}:import:old-7781", "reason": "left", "by": "ann"}
    over = await team.is_told_no("above_refundable", "refund", key="a", amount_minor=1846, **back)
    assert over["most_minor"] == 1_845  # 410 of 600 for $27.00
    done = await team.ask("refund", key="b", amount_minor="all", **back)
    assert (done["amount_minor"], done["paid_elsewhere"]) == (1_845, True)
    await team.has("0")
    team.has_paid("29.00")
    team.ends_well()


async def test_one_wrong_row_brings_nothing_of_the_file(fleet: RunningFleet) -> None:
    team = await subscribed(fleet, "salestools", "starter")
    wrong = PACKS + "{team},10,seo_docs,pack,1.00,USD,,old-1\nnobody,10,credits,pack,1.00,USD,,a\n"

    with pytest.raises(InvalidInput) as refused:
        await sends(team, wrong, confirm=True)

    for fault in ("unknown_credit_type", "unknown_customer"):
        assert fault in str(refused.value), refused.value
    await team.has("500")
    team.ends_well()
