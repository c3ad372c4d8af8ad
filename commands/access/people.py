"""Commands about who may come in by a page: operators' accounts, links to a customer's console."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from getpass import getpass

from commands.terminal import DONE, Add, Command, database, print_json, print_sheet, settings
from domain.access.operators import Operator, OperatorRole, email_of
from ledger.access import operators, portal_sessions
from ledger.access.operators import ListedOperator
from ledger.access.portal_sessions import Opening
from ledger.reads.snapshots import account_of
from ledger.reports.tables import ABSENT, Sheet, texts


def accounts(arguments: Namespace) -> int:
    """Make, list and disable accounts of operators, and set their passwords."""
    return int(arguments.does(arguments))


def create(arguments: Namespace) -> int:
    """Make an account; the password is asked for, or read from the standard input."""
    operator = Operator(email_of(arguments.email), arguments.name, OperatorRole(arguments.role), 0)
    password = _password()
    with database() as engine, engine.begin() as connection:
        operators.create(connection, operator, password, by=arguments.by, at=datetime.now(UTC))
    return print_json({"email": operator.email, "role": operator.role})


def password(arguments: Namespace) -> int:
    """Set a password: it unlocks the account and ends its sessions."""
    email, wanted = email_of(arguments.email), _password()
    with database() as engine, engine.begin() as connection:
        operators.change_password(connection, email, wanted)
    return print_json({"email": email})


def disable(arguments: Namespace) -> int:
    """Let an account sign in no more, and end its sessions."""
    email = email_of(arguments.email)
    with database() as engine, engine.begin() as connection:
        operators.disable(connection, email, datetime.now(UTC))
    return print_json({"email": email})


def release(arguments: Namespace) -> int:
    """Let another person of the identity provider have an address, and end its sessions."""
    email = email_of(arguments.email)
    with database() as engine, engine.begin() as connection:
        operators.release(connection, email)
    return print_json({"email": email})


def list_accounts(_: Namespace) -> int:
    """List the accounts of operators."""
    with database() as engine, engine.connect() as connection:
        found = operators.listed(connection)
    rows = [
        (
            one.operator.email,
            one.operator.name,
            one.operator.role.value,
            "provider" if one.is_of_provider else "password",
            _state(one, datetime.now(UTC)),
            f"{one.created_at.astimezone(UTC):%Y-%m-%d} by {one.created_by}",
        )
        for one in found
    ]
    return print_sheet(
        Sheet("operators", texts("address", "name", "role", "by", "state", "made"), tuple(rows))
    )


def console(arguments: Namespace) -> int:
    """Print a link that opens a customer's console once, within ten minutes."""
    at = datetime.now(UTC)
    with database() as engine, engine.begin() as connection:
        account_id = account_of(connection, arguments.customer, None)
        opening = Opening(account_id, arguments.member, "credits", None)
        token, _ = portal_sessions.create(connection, opening, at)
    sys.stdout.write(f"{settings().public_url}/console/open/{token}\n")
    return DONE


def _state(one: ListedOperator, at: datetime) -> str:
    if one.disabled_at is not None:
        return f"disabled {one.disabled_at.astimezone(UTC):%Y-%m-%d %H:%MZ}"
    if one.locked_until is not None and one.locked_until > at:
        return f"locked until {one.locked_until.astimezone(UTC):%H:%MZ}"
    return ABSENT


def _password() -> str:
    if sys.stdin.isatty():
        return getpass("Password: ")
    return sys.stdin.readline().rstrip("\n")


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    listed = add("operators", accounts).add_subparsers(required=True, metavar="WHAT")

    def also(name: str, run: Command) -> ArgumentParser:
        one = listed.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(does=run)
        return one

    one = also("add", create)
    also("list", list_accounts)
    for about in (
        one,
        also("password", password),
        also("disable", disable),
        also("release", release),
    ):
        about.add_argument("email")
    one.add_argument("--name", required=True)
    one.add_argument("--role", choices=list(OperatorRole), default=OperatorRole.SUPPORT)
    one.add_argument("--by", required=True, help="who is responsible for it")
    opened = add("console", console)
    opened.add_argument("customer")
    opened.add_argument("--member", help="as this member sees it")
