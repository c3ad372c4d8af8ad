"""Items of lists as JSON values and as tables; credits become decimal texts."""

import json
from collections.abc import Container, Iterable
from datetime import date, datetime
from typing import Any

from domain.credits import format_credits
from ledger.reads.lists import Row
from ledger.reports.tables import Column, Sheet


def as_json(row: Row, credits_in: Container[str]) -> Row:
    """Return an item as JSON values."""
    return {name: _value(value, is_credits=name in credits_in) for name, value in row.items()}


def _value(value: Any, *, is_credits: bool) -> Any:
    if isinstance(value, dict) and is_credits:
        return {name: _value(one, is_credits=True) for name, one in value.items()}
    if is_credits and value is not None:
        return format_credits(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def as_sheet(title: str, names: Iterable[str], items: Iterable[Row]) -> Sheet:
    """Return items of JSON values as a table, a column for each name."""
    columns, rows = tuple(names), list(items)
    numeric = {
        name for name in columns if all(_is_number(one[name]) for one in rows) and len(rows) > 0
    }
    return Sheet(
        title,
        tuple(Column(name, is_number=name in numeric) for name in columns),
        tuple(tuple(_cell(one[name]) for name in columns) for one in rows),
    )


def _is_number(value: Any) -> bool:
    """Return whether a spreadsheet may read a value as a number: it is one of ours, not a text."""
    if value is None or isinstance(value, int):
        return True
    return isinstance(value, str) and value.removeprefix("-").replace(".", "", 1).isdecimal()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else str(value)
