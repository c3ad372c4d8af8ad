"""Teams: a customer's members, and how much each should use in a month."""

from dataclasses import dataclass
from enum import StrEnum

from domain.money import half_up


class Role(StrEnum):
    """What a member may do for the team: admins decide requests."""

    ADMIN = "admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Member:
    """A person inside a customer; `limits` are micro-credits per window by credit type.

    A restricted member performs free actions only.
    """

    member_id: str
    name: str
    email: str
    role: Role = Role.MEMBER
    restricted: bool = False
    limits: tuple[tuple[str, int], ...] = ()


def member_counter(member_id: str) -> str:
    """Return the counter that a member's credits move."""
    return f"member:{member_id}"


def monthly_goal(granted_micro: int, members: int, months: int) -> int | None:
    """Return granted micro-credits ÷ members ÷ months of the period, half up.

    None if there are no members, or if the period is not a whole number of months.
    """
    if members <= 0 or months <= 0:
        return None
    return half_up(granted_micro, members * months)


class Share(StrEnum):
    """How a member's use compares with the team's: much more, much less, or about the same."""

    HIGH = "high"
    LOW = "low"
    USUAL = "usual"


def share_of(used_micro: int, team_micro: int, members: int) -> Share:
    """Compare a member's use with the average of `members`, who used `team_micro` together.

    High is at least half as much again as the average, low at most half of it. Alone, or while
    nobody has used anything, everybody is usual.
    """
    if members < 2 or team_micro <= 0:  # noqa: PLR2004 - one cannot be compared
        return Share.USUAL
    if used_micro * members * 2 >= team_micro * 3:
        return Share.HIGH
    return Share.LOW if used_micro * members * 2 <= team_micro else Share.USUAL
