"""Commands about a customer's team."""

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

from activities.teams.overview import team
from commands.terminal import Add, database, print_json, print_sheet
from ledger import accounts
from ledger.reports.tables import ABSENT, Sheet, numbers, texts


def team_of(arguments: Namespace) -> int:
    """Print each member's usage, what each has left, and the monthly goal."""
    with database() as engine, engine.connect() as connection:
        account = accounts.account_of(connection, arguments.customer)
        found = team(connection, account, datetime.now(UTC), arguments.member)
    return print_json(found) if arguments.json else print_sheet(team_sheet(found))


def team_sheet(found: dict[str, Any]) -> Sheet:
    """Lay out a team."""
    rows = [
        (
            one["member"],
            "restricted" if one["restricted"] else one["role"],
            one["used_this_window"],
            one["limit"] or ABSENT,
            one["left"] or ABSENT,
            one["used_this_period"],
            one["limit_since"] or ABSENT,
        )
        for one in found["members"]
    ]
    columns = (
        *texts("member", "role"),
        *numbers("used this window", "limit", "left", "used this period"),
        *texts("limit since"),
    )
    goal = f"{found['monthly_goal']} per member and month" if found["monthly_goal"] else "none"
    notes = (
        f"{found['credits_left']} {found['credit_type']} left for all; monthly goal: {goal}",
        f"window until {found['window_ends']}, period until {found['period_ends']}",
    )
    return Sheet("team", columns, tuple(rows), notes)


def add_commands(add: Add) -> None:
    """Add this module's command and its arguments."""
    one = add("team", team_of)
    one.add_argument("customer")
    one.add_argument("--member", help="only this member, as members see themselves")
    one.add_argument("--json", action="store_true", help="as products read it")
