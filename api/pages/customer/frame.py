"""The frame of every page: menu, banner, and how a page is answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from api.pages.customer.banners import banner_of
from api.pages.customer.page import Page
from api.pages.customer.visits import Visit
from api.pages.forms import token_of
from api.pages.refusals import Told, told_of
from api.pages.rendering import rendered


class Frame:
    """The pages that there are, and the frame around each."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = {one.name: one for one in pages}

    def facts(self, visit: Visit, current: str) -> dict[str, Any]:
        """Return what the frame shows."""
        kept = visit.standing
        refused: Told | None = told_of(visit.refused) if visit.refused else None
        return {
            "brand": visit.catalog.brand if visit.catalog else visit.plan.catalog,
            "customer": kept.customer,
            "member": visit.member,
            "is_admin": visit.is_admin,
            "plan": visit.plan,
            "status": kept.status.replace("_", " "),
            "menu": [one for one in self.pages.values() if _in_menu(visit, one)],
            "current": current,
            "title": self.pages[current].title,
            "banner": banner_of(visit),
            "refused": refused,
            "csrf": token_of(visit.services.link_secrets, visit.session.session_id),
            "return_url": visit.session.return_url,
            "show": visit.show,
            "mark": kept.mark,
            "visit": visit,
        }


def _in_menu(visit: Visit, page: Page) -> bool:
    return page.has(visit) and page.seen_by(visit)


def in_frame(frame: Frame, visit: Visit, name: str, facts: Mapping[str, Any]) -> Response:
    """Return a page in its frame, with a status of its own where a form was refused."""
    status = told_of(visit.refused).status if visit.refused else 200
    around = frame.facts(visit, name)
    return rendered(f"customer/{name}.html.j2", {**around, **facts}, status)
