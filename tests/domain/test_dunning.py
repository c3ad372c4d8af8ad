import pytest

from domain.payments.charges import Decline
from domain.payments.dunning import HARD_CODES, reaction

SOFT_CODES = (
    "card_velocity_exceeded",
    "do_not_honor",
    "generic_decline",
    "insufficient_funds",
    "issuer_not_available",
    "processing_error",
    "reenter_transaction",
    "try_again_later",
    "withdrawal_count_limit_exceeded",
)


@pytest.mark.parametrize("code", sorted(HARD_CODES))
@pytest.mark.parametrize("advice", ["", "try_again_later", "do_not_try_again"])
def test_a_dead_card_is_hard_whatever_the_advice(code: str, advice: str) -> None:
    assert reaction(code, advice) is Decline.HARD


@pytest.mark.parametrize("code", [*SOFT_CODES, "authentication_required", "never_seen_before", ""])
@pytest.mark.parametrize("advice", ["do_not_try_again", "confirm_card_data"])
def test_advice_against_retrying_outranks_any_code(code: str, advice: str) -> None:
    assert reaction(code, advice) is Decline.HARD


@pytest.mark.parametrize("code", [*SOFT_CODES, "never_seen_before", ""])
@pytest.mark.parametrize("advice", ["", "try_again_later", "advice_of_the_future"])
def test_everything_else_is_soft(code: str, advice: str) -> None:
    assert reaction(code, advice) is Decline.SOFT


@pytest.mark.parametrize("advice", ["", "try_again_later"])
def test_a_bank_that_asks_for_confirmation_needs_the_customer(advice: str) -> None:
    assert reaction("authentication_required", advice) is Decline.NEEDS_CUSTOMER
