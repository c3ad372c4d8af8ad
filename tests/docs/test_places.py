"""Every page has its place in the site, by its reader."""

from collections import Counter
from typing import Any

from local.site import DECISIONS, configuration, pages


def placed(nav: Any) -> list[str]:
    match nav:
        case str():
            return [nav]
        case dict():
            return [page for inner in nav.values() for page in placed(inner)]
    return [page for inner in nav for page in placed(inner)]


def test_every_page_has_one_place_and_every_place_a_page() -> None:
    made_by_building = f"{DECISIONS}/README.md"
    places = Counter(placed(configuration()["nav"]))

    assert set(places.values()) == {1}
    assert set(places) - {made_by_building} == {str(page) for page in pages()}
