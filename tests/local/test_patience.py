"""Waiting is bounded by what moves, not by a time of day."""

import os

import pytest

from local.patience import NothingMovesError, Patience, slowness, until


class Clock:
    """A clock that every look turns on by some seconds."""

    def __init__(self, seconds: float) -> None:
        self.now, self.step = 0.0, seconds

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def looks(patience: Patience) -> int:
    """Return how many looks at nothing new it takes until patience is over."""
    return next(number for number in range(10_000) if patience.over("the same"))


@pytest.mark.parametrize("seconds", [0.1, 1, 20])
def test_a_slow_machine_is_looked_at_as_often_as_a_quick_one(seconds):
    clock = Clock(seconds)
    assert looks(Patience(60, clock)) == pytest.approx(600, abs=2)
    assert clock.now >= 600 * seconds


def test_what_moves_is_waited_for():
    patience = Patience(60, Clock(0.1))
    assert not any(patience.over(number // 500) for number in range(5_000))


async def test_what_never_comes_is_given_up_with_what_was_seen():
    async def look() -> str:
        return "busy"

    with pytest.raises(NothingMovesError, match=r"the end of the work: .* seen last: busy"):
        await until(look, lambda seen: seen == "done", "the end of the work", quiet_seconds=0.1)


def test_a_machine_with_too_much_to_do_is_named(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 0, 0))
    assert "too slow" in slowness()
    assert "9.0 processes wanted its 2 cores" in slowness()
    monkeypatch.setattr(os, "getloadavg", lambda: (1.0, 0, 0))
    assert slowness() == ""
