"""A draft of a price list: as typed in a form or as YAML, read by the one reader, told in words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from api.v1.problems import Problem
from catalogs import drafts
from catalogs.drafts import Path
from catalogs.kept import shown
from catalogs.reader import read_catalog
from domain.errors import InvalidCatalog, InvalidInput
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import currencies_of
from domain.pricing.published import Difference, Published, changes_of, items_of
from domain.pricing.simulation import MOST_SOURCE

FILE = "draft.yaml"
LINE = re.compile(rf"{re.escape(FILE)}:(\d+): ")
LONGEST_VALUE, LONGEST_LINE = 40, 200  # characters
MOST_CHANGES = 20  # told
YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a plan, or of a pack that it sells: `item` and `key` are where the list has it."""

    name: str
    label: str
    item: Path
    key: Path
    value: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A price list that could be sold, and how it differs from the published one."""

    source: str
    catalog: Catalog
    changes: tuple[str, ...]


def fields_of(text: str, catalog: Catalog, plan: Plan) -> list[Field]:
    """Return what can be changed of a plan, as the list spells it."""
    item: Path = ("plans", catalog.plans.index(plan))
    kinds = {one.credit_type: one.name for one in catalog.credit_types}
    currencies = currencies_of(catalog)
    found = list(_found(text, item, _of_plan(plan, kinds, currencies)))
    for pack in plan.packs:
        position = drafts.position_of(text, "packs", pack.pack_id)
        if position is not None:
            named = f"pack {pack.name}"
            keys = (*_prices(f"{pack.pack_id}.price", f"Price of {named}", currencies),)
            more = ((f"{pack.pack_id}.quantity", f"Credits in {named}", ("quantity",)),)
            found += _found(text, ("packs", position), keys + more)
    return found


def _of_plan(
    plan: Plan, kinds: Mapping[str, str], currencies: Sequence[str]
) -> tuple[tuple[str, str, Path], ...]:
    included = tuple(
        (
            f"included.{number}",
            f"{kinds[one.credit_type]} included",
            ("allowances", number, "quantity"),
        )
        for number, one in enumerate(plan.allowances)
    )
    return (
        *_prices("price", "Price", currencies),
        *included,
        ("unit", "Unit by hand", ("manual", "unit")),
        ("auto.unit", "Unit of auto-purchase", ("auto", "unit")),
        ("auto.surcharge", "Surcharge of auto-purchase, in %", ("auto", "surcharge_percent")),
    )


def _prices(name: str, label: str, currencies: Sequence[str]) -> Iterator[tuple[str, str, Path]]:
    """Yield a price as it may be written: once, or for each currency."""
    yield name, f"{label} in {currencies[0]}", ("price",)
    for one in currencies:
        yield f"{name}.{one}", f"{label} in {one}", ("price", one)


def _found(text: str, item: Path, keys: Iterable[tuple[str, str, Path]]) -> Iterator[Field]:
    for name, label, key in keys:
        value = drafts.value_of(text, item, key)
        if value is not None:
            yield Field(f"set.{name}", label, item=item, key=key, value=value)


def from_form(text: str, catalog: Catalog, plan: Plan, typed: Mapping[str, str]) -> Draft:
    """Return the draft of what was typed into the fields. Raises `Problem` with every fault."""
    source = text
    for one in fields_of(text, catalog, plan):
        value = typed.get(one.name, one.value).strip()
        if value != one.value:
            source = drafts.with_value(source, one.item, one.key, value[:LONGEST_VALUE])
    return read(source, catalog)


def from_yaml(source: str, catalog: Catalog) -> Draft:
    """Return the draft of a whole list. Raises `Problem` with every fault of it."""
    plain = source.replace("\r\n", "\n")
    if len(plain) > MOST_SOURCE:
        message = f"a price list to try has at most {MOST_SOURCE:,} characters"
        raise InvalidInput("invalid_simulation", message)
    return read(plain, catalog)


def read(source: str, catalog: Catalog) -> Draft:
    """Return a draft of a published list. Raises `Problem` (`invalid_catalog`) with every fault."""
    try:
        drafts.check_plain(source)
        found = read_catalog(source, FILE)
    except InvalidInput as error:
        faults = error.faults if isinstance(error, InvalidCatalog) else (str(error),)
        number = "a fault" if len(faults) == 1 else f"{len(faults)} faults"
        told = f"the draft has {number}, so nothing was started"
        facts = {"faults": [(one, _line(source, one)) for one in faults], "draft": source}
        raise Problem("invalid_catalog", told, facts=facts) from error
    return Draft(source, found, tuple(_changes(catalog, found)))


def _line(source: str, fault: str) -> str:
    """Return the line of a draft that a fault is about, without its indent."""
    found = LINE.match(fault)
    lines = source.splitlines()
    number = int(found[1]) if found else 0
    return lines[number - 1].strip()[:LONGEST_LINE] if 0 < number <= len(lines) else ""


def _changes(was: Catalog, now: Catalog) -> list[str]:
    """Return in words how a draft differs from what is sold."""
    before, after = items_of(was), items_of(now)
    told = [f"{item} is left out" for item in sorted(set(before) - set(after))]
    told += [f"{item} is new" for item in sorted(set(after) - set(before))]
    told += [_words(one, now.currency) for one in _edits(before, after)]
    more = len(told) - MOST_CHANGES
    return told if more <= 0 else [*told[:MOST_CHANGES], f"and {more} more"]


def _edits(before: Published, after: Published) -> Iterator[Difference]:
    for item in sorted(set(before) & set(after)):
        yield from changes_of(item, before[item], after[item])


def _words(one: Difference, currency: str) -> str:
    currency = one.item.currency or currency
    steps = [str(step) for step in one.path if isinstance(step, str)]
    what = " ".join(steps).replace("_micro", "").replace("_minor", "").replace("_", " ")
    was, now = (shown(one.path, value, currency) for value in (one.published, one.read))
    return f"{one.item}: {what} {was} → {now}"
