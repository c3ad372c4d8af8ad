"""A sound price list, and the faults that a change of it is refused with."""

from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.errors import InvalidCatalog

SOUND = (Path(__file__).parent / "sample.yaml").read_text(encoding="utf-8")


def faults_of(text):
    with pytest.raises(InvalidCatalog) as refusal:
        read_catalog(text, "list.yaml")
    assert refusal.value.reason == "invalid_catalog"
    return refusal.value.faults


def with_change(old, new):
    assert SOUND.count(old) >= 1, old
    return SOUND.replace(old, new, 1)
