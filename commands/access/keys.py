"""Commands for the keys of programs that call the API."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from catalogs.reader import load_catalogs
from commands.terminal import (
    DONE,
    Add,
    Command,
    database,
    named,
    print_json,
    print_sheet,
    settings,
)
from domain.api_keys import MOST_HOURS, Scope
from ledger import api_keys
from ledger.api_keys import ListedKey, NewKey
from ledger.reports.tables import ABSENT, Sheet, texts

OVERLAP_HOURS = 24


def keys(arguments: Namespace) -> int:
    """Make, list, rotate and revoke keys of programs that call the API."""
    return int(arguments.does(arguments))


def create(arguments: Namespace) -> int:
    """Make a key and print it: this once, for only its digest is kept."""
    if arguments.catalog is not None:
        folder = settings().drawdown_catalogs
        named({one.name: one for one in load_catalogs(folder)}, arguments.catalog)
    with database() as engine, engine.begin() as connection:
        made = api_keys.create(
            connection,
            name=arguments.name,
            scopes=arguments.scope,
            catalog=arguments.catalog,
            by=arguments.by,
            at=datetime.now(UTC),
        )
    return _print_new(made)


def list_keys(arguments: Namespace) -> int:
    """List every key with its scopes, last use and end; never a secret."""
    with database() as engine, engine.connect() as connection:
        found = api_keys.listed(connection)
    now = datetime.now(UTC)
    if arguments.json:
        return print_json([_as_json(one, now) for one in found])
    return print_sheet(sheet(found, now))


def rotate(arguments: Namespace) -> int:
    """Replace a key by a new one and print it; the old one lives on for some hours."""
    with database() as engine, engine.begin() as connection:
        made = api_keys.rotate(
            connection, arguments.key_id, arguments.hours, by=arguments.by, at=datetime.now(UTC)
        )
    return _print_new(made)


def revoke(arguments: Namespace) -> int:
    """End a key for good: API processes refuse it within seconds."""
    with database() as engine, engine.begin() as connection:
        found = api_keys.revoke(connection, arguments.key_id, arguments.by, datetime.now(UTC))
    return print_json(_as_json(found, datetime.now(UTC)))


def sheet(found: tuple[ListedKey, ...], at: datetime) -> Sheet:
    """Lay out keys as they stand at an instant."""
    rows = [
        (
            one.key.key_id,
            one.name,
            ", ".join(sorted(one.key.scopes)),
            one.key.catalog or "all",
            state(one, at),
            _minute(one.last_used_at),
            f"{_minute(one.created_at)} by {one.created_by}",
        )
        for one in found
    ]
    columns = texts("key", "name", "scopes", "catalog", "state", "last used", "made")
    return Sheet("keys", columns, tuple(rows))


def state(one: ListedKey, at: datetime) -> str:
    """Return in words whether a key works, and why not or until when."""
    if one.revoked_at is not None:
        return f"revoked {_minute(one.revoked_at)} by {one.revoked_by}"
    if one.replaced_by is None:
        return "works"
    word = "until" if one.works(at) else "over since"
    return f"{word} {_minute(one.expires_at)}, replaced by {one.replaced_by}"


def _as_json(one: ListedKey, at: datetime) -> dict[str, object]:
    instants = {
        name: moment.isoformat() if moment else None
        for name, moment in (
            ("created_at", one.created_at),
            ("last_used_at", one.last_used_at),
            ("expires_at", one.expires_at),
            ("revoked_at", one.revoked_at),
        )
    }
    return {
        "key_id": one.key.key_id,
        "name": one.name,
        "scopes": sorted(one.key.scopes),
        "catalog": one.key.catalog,
        "works": one.works(at),
        "created_by": one.created_by,
        "replaced_by": one.replaced_by,
        "revoked_by": one.revoked_by,
        **instants,
    }


def _minute(moment: datetime | None) -> str:
    return ABSENT if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def _print_new(made: NewKey) -> int:
    """Print a key plainly, for scripts, and to people that they will not see it again."""
    sys.stdout.write(f"{made.secret}\n")
    sys.stderr.write("Keep it now: it is shown this once. Later commands name it by its id, ")
    sys.stderr.write(f"{made.key.key_id}.\n")
    return DONE


def add_commands(add: Add) -> None:
    """Add this module's commands and their arguments."""
    listed = add("keys", keys).add_subparsers(required=True, metavar="WHAT")

    def also(name: str, run: Command) -> ArgumentParser:
        one = listed.add_parser(name, help=run.__doc__, description=run.__doc__)
        one.set_defaults(does=run)
        return one

    one = also("create", create)
    one.add_argument("name", help="what it is for, such as the calling program")
    one.add_argument(
        "--scope", action="append", default=[], help=f"{', '.join(Scope)}; may be repeated"
    )
    one.add_argument("--catalog", help="of this price list's customers alone")
    also("list", list_keys).add_argument("--json", action="store_true", help="for programs")
    two = also("rotate", rotate)
    two.add_argument(
        "--hours",
        type=int,
        default=OVERLAP_HOURS,
        help=f"that the old key works on: 0 to {MOST_HOURS}, {OVERLAP_HOURS} if left out",
    )
    three = also("revoke", revoke)
    for named_one in (two, three):
        named_one.add_argument("key_id")
    for changing in (one, two, three):
        changing.add_argument("--by", required=True, help="who is responsible for it")
