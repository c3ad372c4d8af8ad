"""What PostgreSQL reads and plans for every statement of a call, those inside functions too.

`debug_print_rewritten` and `debug_print_plan` send each query and plan to the client as it is made,
as a tree of nodes in PostgreSQL's own notation. A new session reads and plans everything that it
runs, at first with the values of parameters.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from psycopg.errors import Diagnostic
from sqlalchemy import Connection, text

from local.postgres import Database
from models.base import connect

TOKEN = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)
EQUALS = {"410", "416", "1868", "15", "1862"}  # a bigint and an integer of any size
OF_THE_INDEX, EXTERNAL = "-3", "0"
KEPT = 400  # trees: most statements of a call are those of the calls before it
SIDES = {"-2": "lefttree", "-1": "righttree"}
ROWS_OWN = "that of a row read before"
CATALOG = text("""
    SELECT c.oid::text AS oid, c.relname,
           coalesce((SELECT a.attnum FROM pg_attribute a
                     WHERE a.attrelid = c.oid AND a.attname = 'account_id'), 0) AS account,
           coalesce((SELECT string_to_array(i.indkey::text, ' ') FROM pg_index i
                     WHERE i.indexrelid = c.oid), '{}') AS keys
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
""")


@dataclass
class Node:
    """One node of a tree: its type and its fields."""

    kind: str
    fields: dict[str, object] = field(default_factory=dict)

    def ending(self, *ends: str) -> Iterator[object]:
        """Yield the fields whose names end so: a plan's are prefixed by those of its parents."""
        for name, value in self.fields.items():
            if name.endswith(ends):
                yield value


@lru_cache(maxsize=KEPT)
def parsed(tree: str) -> object:
    """Return a node, or a list of nodes, as PostgreSQL writes it; nobody changes it."""
    tokens = iter(TOKEN.findall(tree))
    return _value(next(tokens), tokens)


def _value(token: str, tokens: Iterator[str]) -> object:
    if token == "(":
        return _until(")", tokens)
    if token != "{":
        return token
    node, name, values = Node(next(tokens)), None, []
    for one in tokens:
        if one == "}" or one.startswith(":"):
            if name is not None:
                node.fields[name] = values[0] if len(values) == 1 else values
            if one == "}":
                break
            name, values = one[1:], []
        else:
            values.append(_value(one, tokens))
    return node


def _until(end: str, tokens: Iterator[str]) -> list[object]:
    found = []
    for token in tokens:
        if token == end:
            break
        found.append(_value(token, tokens))
    return found


def nodes(value: object) -> Iterator[Node]:
    """Yield every node of a tree."""
    if isinstance(value, Node):
        yield value
        value = list(value.fields.values())
    if isinstance(value, list):
        for one in value:
            yield from nodes(one)


@dataclass(frozen=True)
class Read:
    """A table that a plan reads: by which accounts, and whether as whole rows."""

    table: str
    accounts: frozenset[object]
    how: str


@dataclass(frozen=True)
class Reader:
    """The tables and indexes of a database by their numbers."""

    names: dict[str, str]
    account: dict[str, str]  # the number of the column
    keys: dict[str, list[str]]  # of an index: the numbers of its columns

    @classmethod
    def of(cls, connection: Connection) -> "Reader":
        rows = connection.execute(CATALOG).all()
        return cls(
            {row.oid: row.relname for row in rows},
            {row.oid: str(row.account) for row in rows},
            {row.oid: row.keys for row in rows},
        )

    def reads(self, plan: Node) -> list[Read]:
        """Return what a plan reads of tables, in all its parts."""
        tables = tables_of(plan)
        own = self._accounts_of_rows(plan, tables)
        return [
            Read(
                self.names[relation],
                frozenset(
                    ROWS_OWN if one in own else one for one in self._accounts(node, place, relation)
                ),
                node.kind,
            )
            for node in nodes(plan)
            for place in node.ending("scanrelid")
            if (relation := tables[int(str(place)) - 1]) in self.names
        ]

    def _accounts_of_rows(self, plan: Node, tables: list[str]) -> set[object]:
        """Return the parameters that a join fills with the account of a row it has read."""
        return {
            f"parameter {one.fields['paramno']}"
            for node in nodes(plan)
            if node.kind == "NESTLOOP"
            for one in nodes(node.fields["nestParams"])
            if one.kind == "NESTLOOPPARAM"
            and self._is_account_below(node, one.fields["paramval"], tables)
        }

    def _is_account_below(self, plan: Node, column: object, tables: list[str]) -> bool:
        """Follow a column down the plan to the tables that it is read from."""
        if not isinstance(column, Node) or column.kind != "VAR":
            return False
        number, place = str(column.fields["varattno"]), str(column.fields["varno"])
        if (side := SIDES.get(place)) is None:
            return self.account.get(tables[int(place) - 1]) == number
        below = plan.fields.get("appendplans") or list(plan.ending(side))
        plans = [one for one in below if isinstance(one, Node)]
        return bool(plans) and all(
            self._is_account_below(one, entries[int(number) - 1].fields["expr"], tables)
            for one in plans
            for entries in one.ending("targetlist")
        )

    def _accounts(self, node: Node, place: object, relation: str) -> Iterator[object]:
        """Yield the values that the account of a scanned row must equal."""
        keys = self.keys.get(str(node.fields.get("indexid")), [])
        for quals in node.ending("qual", "qualorig"):
            for qual in quals if isinstance(quals, list) else ():
                if is_equation(qual):
                    for one, other in pairwise([*qual.fields["args"], qual.fields["args"][0]]):
                        if self._is_account(one, place, relation, keys):
                            yield value_of(other)

    def _is_account(self, node: object, place: object, relation: str, keys: list[str]) -> bool:
        if not isinstance(node, Node) or node.kind != "VAR":
            return False
        number = str(node.fields["varattno"])
        if node.fields["varno"] == OF_THE_INDEX:
            number = keys[int(number) - 1] if keys else ""
        elif node.fields["varno"] != place:
            return False
        return number == self.account[relation]

    def whole_rows(self, value: object, tables: tuple[list[str], ...] = ()) -> Iterator[str]:
        """Yield the tables of which a query takes rows as values: shards' rows have other types."""
        if isinstance(value, Node):
            if value.kind == "QUERY":
                tables = (*tables, tables_of(value))
            if value.kind == "VAR" and value.fields["varattno"] == "0":
                level = tables[-1 - int(str(value.fields["varlevelsup"]))]
                relation = level[int(str(value.fields["varno"])) - 1]
                if relation in self.names:
                    yield self.names[relation]
            # An upsert lists what `excluded` could be asked for, its whole row too.
            value = [one for name, one in value.fields.items() if name != "exclRelTlist"]
        for one in value if isinstance(value, list) else ():
            yield from self.whole_rows(one, tables)


def tables_of(query: Node) -> list[str]:
    """Return the numbers of the tables that a query or plan names, in their order."""
    entries = query.fields["rtable"]
    return [str(one.fields.get("relid")) for one in entries if isinstance(one, Node)]


def is_equation(qual: object) -> bool:
    """Return whether a condition says that a bigint equals something."""
    return isinstance(qual, Node) and qual.kind == "OPEXPR" and qual.fields["opno"] in EQUALS


def value_of(node: object) -> object:
    """Return a constant's number, or what else an account is compared with."""
    assert isinstance(node, Node)
    if node.kind == "RELABELTYPE":
        return value_of(node.fields["arg"])
    if node.kind == "CONST" and isinstance(node.fields["constvalue"], list):
        octets = [int(str(one)) % 256 for one in node.fields["constvalue"][2:-1]]
        return int.from_bytes(octets, "little", signed=True)
    if node.kind == "PARAM":
        is_given = node.fields["paramkind"] == EXTERNAL
        return "given" if is_given else f"parameter {node.fields['paramid']}"
    return node.kind


Call = Callable[[Connection], object]


def plans_of(database: Database, call: Call) -> tuple[Reader, list[Node]]:
    """Return the plan of every statement of a call in a session of its own, which is undone."""
    reader, trees = _told(database, call, "debug_print_plan", "plan:")
    return reader, [one for one in trees if isinstance(one, Node)]


def queries_of(database: Database, call: Call) -> tuple[Reader, list[object]]:
    """Return every query of a call as it was read, before any planning: a list of nodes each."""
    return _told(database, call, "debug_print_rewritten", "rewritten parse tree:")


def _told(database: Database, call: Call, setting: str, title: str) -> tuple[Reader, list[object]]:
    engine = connect(database.url)
    found: list[str] = []

    def hear(told: Diagnostic) -> None:
        if told.message_primary == title:
            found.append(str(told.message_detail))

    with engine.connect() as connection:
        reader = Reader.of(connection)
        connection.connection.driver_connection.add_notice_handler(hear)
        connection.exec_driver_sql("SET client_min_messages = log")
        connection.exec_driver_sql("SET debug_pretty_print = off")
        connection.exec_driver_sql(f"SET {setting} = on")
        call(connection)
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")  # what waits for the end
        connection.rollback()
    engine.dispose()
    return reader, [parsed(one) for one in found]
