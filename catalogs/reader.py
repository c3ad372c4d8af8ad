"""Price lists from YAML into domain values; all faults of a file at once, each with its line."""

from datetime import UTC, datetime
from pathlib import Path

from catalogs import values
from catalogs.document import Faults, Section, open_document
from catalogs.plans import read_plans
from catalogs.terms import FALLBACK, NEUTRAL_MINOR, Terms, unique
from domain.catalog import (
    Action,
    Ask,
    Bonus,
    Catalog,
    CreditType,
    Extras,
    Pack,
    RateVersion,
    Way,
)
from domain.credits import DECIMALS, MICRO
from domain.errors import InvalidCatalog
from domain.rates import Rate, Rounding

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def read_catalog(source: Path | str, name: str = "catalog") -> Catalog:
    """Return the price list of a file or of a YAML text; `InvalidCatalog` lists every fault."""
    text = source if isinstance(source, str) else _file_text(source)
    faults = Faults(source.name if isinstance(source, Path) else name)
    document = open_document(text, faults)
    catalog = None if document is None else _catalog(document)
    found = faults.listed()
    if found or catalog is None:
        raise InvalidCatalog(found)
    return catalog


def load_catalogs(folder: Path) -> tuple[Catalog, ...]:
    """Return every price list of a folder, by file name; all faults of all files at once."""
    found: list[Catalog] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            catalog = read_catalog(path)
        except InvalidCatalog as error:
            faults.extend(error.faults)
            continue
        if catalog.name in {other.name for other in found}:
            faults.append(f"{path.name}:1: name: another file is also named {catalog.name!r}")
        found.append(catalog)
    if not found and not faults:
        faults.append(f"{folder.name}: holds no price list: add a .yaml file")
    if faults:
        raise InvalidCatalog(tuple(faults))
    return tuple(found)


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCatalog((f"{path.name}: cannot be read as text: {error}",)) from error


def _catalog(document: Section) -> Catalog:
    name = document.required("name", values.identifier, FALLBACK)
    currency = document.required("currency", values.currency, "USD")
    terms = Terms(catalog=name, currency=currency)
    # In this order: each part may name only what the parts before it declare.
    credit_types = _credit_types(document, terms)
    actions = _actions(document, terms)
    bonuses = _bonuses(document, terms)
    _packs(document, terms)
    catalog = Catalog(
        name=name,
        version=document.required("version", values.positive, 1),
        brand=document.required("brand", values.title, FALLBACK),
        currency=currency,
        time_zone=document.required("time_zone", values.time_zone, "UTC"),
        credit_types=credit_types,
        actions=actions,
        plans=read_plans(document, terms),
        bonuses=bonuses,
    )
    document.close()
    return catalog


def _credit_types(document: Section, terms: Terms) -> tuple[CreditType, ...]:
    found: list[CreditType] = []
    for section in document.sections("credit_types"):
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
        document.fault("credit_types", "at least one is needed")
    return tuple(found)


def _actions(document: Section, terms: Terms) -> tuple[Action, ...]:
    for section in document.sections("actions"):
        noted = len(section.faults)
        action = Action(
            action_id=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            rates=tuple(_rate_version(inner, terms) for inner in section.sections("rates")),
            once_per_object=section.optional("once_per_object", values.flag, default=False),
        )
        unique(section, "id", action.action_id, terms.actions)
        if len(section.faults) == noted:
            _check_versions(section, action)
        section.close()
        terms.actions[action.action_id] = action
    if not terms.actions:
        document.fault("actions", "at least one is needed")
    return tuple(terms.actions.values())


def _check_versions(section: Section, action: Action) -> None:
    starts = [version.effective_from for version in action.rates]
    if not starts:
        section.fault("rates", "at least one is needed; write [{pay: []}] for a free action")
    if starts != sorted(set(starts)):
        section.fault("rates", "each must begin later than the one before it")


def _rate_version(section: Section, terms: Terms) -> RateVersion:
    if not section.has("pay"):
        section.fault("pay", "is missing; write [] for a free action")
    ways = tuple(_way(inner, terms) for inner in section.sections("pay"))
    types = [way.credit_type for way in ways]
    if len(types) != len(set(types)):
        section.fault("pay", "names a credit type twice")
    version = RateVersion(section.optional("from", values.instant, _ALWAYS), ways)
    section.close()
    return version


def _way(section: Section, terms: Terms) -> Way:
    rate = Rate(
        credits_micro=section.required("cost", values.credit_quantity, MICRO),
        per_micro=section.optional("per", values.credit_quantity, MICRO),
        rounding=section.optional("rounding", values.one_of(Rounding), Rounding.EXACT),
    )
    way = Way(
        credit_type=terms.credit_type(section, "with"),
        rate=rate,
        ask=section.optional("ask", values.one_of(Ask), Ask.NEVER),
    )
    section.close()
    return way


def _packs(document: Section, terms: Terms) -> None:
    for section in document.sections("packs"):
        credit_type = terms.credit_type(section)
        pack = Pack(
            pack_id=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            credit_type=credit_type,
            quantity_micro=section.required("quantity", values.credit_quantity, MICRO),
            price_minor=section.required("price", values.price_in(terms.currency), NEUTRAL_MINOR),
            expires=section.required("expires", values.one_of(Extras), Extras.NEVER),
            scope=terms.scope(section, credit_type),
        )
        if pack.price_minor == 0:
            section.fault("price", "a pack has a price; give credits away as a bonus")
        unique(section, "id", pack.pack_id, terms.packs)
        section.close()
        terms.packs[pack.pack_id] = pack


def _bonuses(document: Section, terms: Terms) -> tuple[Bonus, ...]:
    found: list[Bonus] = []
    for section in document.sections("bonuses"):
        bonus = Bonus(
            bonus_id=section.required("id", values.identifier, FALLBACK),
            name=section.required("name", values.title, FALLBACK),
            credit_type=terms.credit_type(section),
            quantity_micro=section.required("quantity", values.credit_quantity, MICRO),
            expires=section.required("expires", values.one_of(Extras), Extras.NEVER),
        )
        unique(section, "id", bonus.bonus_id, [other.bonus_id for other in found])
        section.close()
        found.append(bonus)
    return tuple(found)
