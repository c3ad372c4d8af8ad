"""What code acts on is what senders of messages are told: one text, one place."""

from domain.outcomes import Outcome, Refusal, Undecided
from domain.reasons import CURES


def test_every_refusal_that_code_acts_on_has_a_cure():
    assert {*Refusal, *Undecided} - CURES.keys() == set()


def test_nothing_is_both_done_and_refused():
    assert {one.value for one in Outcome} & CURES.keys() == set()
