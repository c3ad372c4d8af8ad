"""The price lists that are shipped, read once: reading them all takes as long as a dozen tests."""

from functools import cache
from pathlib import Path
from types import MappingProxyType

from catalogs.reader import load_catalogs
from domain.pricing.catalog import Catalog

CATALOGS = Path(__file__).parents[1] / "catalogs"


@cache
def shipped() -> MappingProxyType[str, Catalog]:
    """Return every list by its name, in the order of the names of their files."""
    return MappingProxyType({one.name: one for one in load_catalogs(CATALOGS)})
