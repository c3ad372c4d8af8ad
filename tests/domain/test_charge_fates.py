"""What becomes of a charge: the whole table, as the README shows it and as the state asks it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.payments import charge_fates as fates
from domain.payments.charge_fates import Fate, Happened
from domain.payments.charges import Charge, ChargeKind
from domain.periods import Window
from domain.subscription import OpenCharge, Start, Step
from domain.subscription_state import SubscriptionState

README = Path("domain/README.md").read_text(encoding="utf-8")
MAKE = read_catalog(Path("catalogs/make.yaml"))
PLAN, OTHER = MAKE.plan("core_10k"), MAKE.plan("core_40k")
NOON = datetime(2027, 1, 10, 12, tzinfo=UTC)
JANUARY = Window(0, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
CELLS = [(*row, happened) for row, happened in product(fates.ROWS, Happened)]


def row(kind: ChargeKind, step: Step, *, needs_window: bool = True) -> str:
    """Return a row of the table as the README writes it."""
    cells = [fates.fate(kind, step, one, needs_window=needs_window) for one in Happened]
    words = "" if needs_window else ", never expires"
    return "| " + " | ".join((f"{kind.value}, {step.value}{words}", *cells)) + " |"


def table() -> str:
    """Return the whole table as the README writes it."""
    head = "| " + " | ".join(("charge, step", *Happened)) + " |"
    rows = [row(kind, step) for kind, step in fates.ROWS]
    lasting = [row(kind, Step.PAID, needs_window=False) for kind in fates.PURCHASES]
    return "\n".join((head, "|" + " --- |" * (len(Happened) + 1), *rows, *lasting))


def test_the_readme_shows_the_table() -> None:
    assert table() in README, table()


def charge_of(kind: ChargeKind, step: Step) -> OpenCharge:
    """Return a charge of January at a step."""
    charge = Charge(
        charge_id=f"s:{kind}",
        kind=kind,
        customer_id="c",
        subscription_id="s",
        payer="cus",
        currency="USD",
        lines=(),
    )
    return OpenCharge(charge, step, NOON, plan=PLAN, period=JANUARY, window_end=JANUARY.end)


def standing(
    kind: ChargeKind, step: Step, happened: Happened | None
) -> tuple[SubscriptionState, OpenCharge, datetime]:
    """Return a subscription in which only this happened to a charge."""
    state = SubscriptionState(
        Start(
            subscription_id="s",
            customer_id="c",
            name="Ada",
            email="a@example.com",
            catalog="make",
            plan_id="core_10k",
        ),
        plan=PLAN,
        period=JANUARY,
        window=JANUARY,
        auto_purchase=True,
    )
    charge, at = charge_of(kind, step), NOON
    match happened:
        case Happened.SWITCHED_OFF:
            state.auto_purchase = False
        case Happened.WINDOW_OVER if kind is not ChargeKind.PERIOD:
            charge = replace(charge, window_end=at)
        case Happened.PERIOD_OVER:
            charge = replace(charge, opened_at=JANUARY.end)
            at = JANUARY.end
        case Happened.PLAN_LEFT:
            state.plan = OTHER
        case Happened.ENDING:
            state.cancel_at_end = True
        case Happened.PAUSED:
            state.held = True
        case Happened.OUTAGE:
            at = NOON + timedelta(days=1)
    return state, charge, at


@pytest.mark.parametrize(("kind", "step", "happened"), CELLS)
def test_the_state_of_a_subscription_comes_to_the_same_as_its_cell(
    kind: ChargeKind, step: Step, happened: Happened
) -> None:
    state, charge, at = standing(kind, step, happened)
    wanted = fates.fate(kind, step, happened)

    assert fates.is_void(state, charge, at) == (wanted is Fate.VOID)
    if wanted is not Fate.VOID:
        assert fates.is_held(state, charge, at) == (wanted is Fate.HELD)


@pytest.mark.parametrize("happened", Happened)
@pytest.mark.parametrize("kind", fates.KINDS)
@pytest.mark.parametrize("step", [Step.PROCESSING, Step.REVIEW, Step.PAYING, Step.PAID])
def test_nothing_voids_or_retries_money_that_came_or_is_on_its_way(
    kind: ChargeKind, step: Step, happened: Happened
) -> None:
    assert fates.fate(kind, step, happened) in (Fate.KEPT, Fate.WAITS, Fate.GRANTED)


@pytest.mark.parametrize("kind", fates.KINDS)
def test_only_a_sign_of_a_card_is_a_retry(kind: ChargeKind) -> None:
    tried = {
        (step, happened)
        for step, happened in product(Step, Happened)
        if fates.fate(kind, step, happened) is Fate.RETRIED
    }
    asked_for = kind in fates.ASKED_FOR
    assert tried == (set() if asked_for else {(Step.DECLINED, Happened.CARD_SIGN)})
