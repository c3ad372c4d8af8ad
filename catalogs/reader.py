"""Price lists from YAML into domain values; all faults of a file at once, each with its line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from catalogs import values
from catalogs.actions import read_actions
from catalogs.coupons import read_coupons, read_door
from catalogs.document.faults import Asked, Faults, Place
from catalogs.document.section import Section, open_document
from catalogs.offers import read_bonuses, read_packs
from catalogs.plans import read_plans
from catalogs.terms import FALLBACK, KnownNames, unique
from domain.credits import DECIMALS
from domain.errors import InvalidCatalog
from domain.pricing.catalog import Catalog, CreditType, Plan

_KEPT = 32  # texts, so that each file of a folder is read once
_NO_TYPE = "at least one is needed"


@dataclass(frozen=True, slots=True)
class PriceList:
    """A price list that was read, the name of its file, where each value stands, and its text.

    `warnings`: what it allows that costs the seller money, each with its line.
    """

    catalog: Catalog
    file: str
    places: Mapping[str, Place]
    text: str = ""
    warnings: tuple[str, ...] = ()


def read_catalog(source: Path | str, name: str = "catalog") -> Catalog:
    """Return the price list of a file or of a YAML text; `InvalidCatalog` lists every fault."""
    return read_list(source, name).catalog


def keys_asked(source: Path | str) -> tuple[Asked, ...]:
    """Return what reading a sound price list asks for; `InvalidCatalog` lists every fault."""
    return tuple(_read(*_named(source, "catalog"))[1].asked)


def load_catalogs(folder: Path) -> tuple[Catalog, ...]:
    """Return every price list of a folder, by file name; all faults of all files at once."""
    return tuple(one.catalog for one in load_lists(folder))


def read_list(source: Path | str, name: str = "catalog") -> PriceList:
    """Return the price list of a file or of a text, with its places. Raises `InvalidCatalog`."""
    text, file = _named(source, name)
    catalog, faults = _read(text, file)
    places = MappingProxyType(faults.places)
    return PriceList(
        catalog, faults.source, places, text=text, warnings=faults.listed(allowed=True)
    )


def load_lists(folder: Path) -> tuple[PriceList, ...]:
    """Return every price list of a folder, with the places. Raises `InvalidCatalog`."""
    found: list[PriceList] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            one = read_list(path)
        except InvalidCatalog as error:
            faults.extend(error.faults)
            continue
        if one.catalog.name in {other.catalog.name for other in found}:
            faults.append(f"{path.name}:1: name: another file is also named {one.catalog.name!r}")
        found.append(one)
    if not found and not faults:
        faults.append(f"{folder.name}: holds no price list: add a .yaml file")
    if faults:
        raise InvalidCatalog(tuple(faults))
    return tuple(found)


def _named(source: Path | str, name: str) -> tuple[str, str]:
    """Return the text of a file or the text given, and what its faults call it."""
    return (source, name) if isinstance(source, str) else (_file_text(source), source.name)


@lru_cache(maxsize=_KEPT)
def _read(text: str, file: str) -> tuple[Catalog, Faults]:
    """Return what a text says: nobody changes it, and a process reads a file repeatedly."""
    faults = Faults(file)
    document = open_document(text, faults)
    catalog = None if document is None else _catalog(document)
    found = faults.listed()
    if found or catalog is None:
        raise InvalidCatalog(found)
    return catalog, faults


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCatalog((f"{path.name}: cannot be read as text: {error}",)) from error


def _catalog(document: Section) -> Catalog:
    name = document.required("name", values.identifier, FALLBACK)
    currencies = document.several("currency", values.currency, "USD")
    terms = KnownNames(catalog=name, currency=currencies[0], currencies=currencies)
    # In this order: each part may name only what the parts before it declare.
    credit_types = _credit_types(document, terms)
    actions = read_actions(document, terms)
    bonuses = read_bonuses(document, terms)
    read_packs(document, terms)
    coupons, door = read_coupons(document, terms), read_door(document, terms)
    plans = read_plans(document, terms)
    elsewhere = [plan for code in currencies[1:] for plan in _plans_in(code, document, terms)]
    catalog = Catalog(
        name=name,
        version=document.required("version", values.positive, 1),
        brand=document.required("brand", values.title, FALLBACK),
        currency=currencies[0],
        time_zone=document.required("time_zone", values.time_zone, "UTC"),
        credit_types=credit_types,
        actions=actions,
        plans=plans,
        bonuses=bonuses,
        private=tuple(terms.private),
        elsewhere=tuple(elsewhere),
        coupons=coupons,
        door=door,
    )
    document.close()
    return catalog


def _plans_in(currency: str, document: Section, terms: KnownNames) -> tuple[Plan, ...]:
    """Return the plans with the prices of another currency, read once more."""
    other = replace(terms, currency=currency, packs={}, private=[])
    read_packs(document, other)
    return read_plans(document, other)


def _credit_types(document: Section, terms: KnownNames) -> tuple[CreditType, ...]:
    found: list[CreditType] = []
    for section in document.sections("credit_types", missing=_NO_TYPE):
        credit_type = CreditType(
            credit_type=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            decimals=section.optional("decimals", values.whole, DECIMALS),
        )
        if credit_type.decimals > DECIMALS:
            section.fault("decimals", f"credits have at most {DECIMALS} decimals")
        unique(section, "id", credit_type.credit_type, terms.credit_types)
        section.close()
        terms.credit_types.add(credit_type.credit_type)
        found.append(credit_type)
    if not found:
        document.fault("credit_types", _NO_TYPE)
    return tuple(found)
