"""A page of the customer's console, as a value: its address, who sees it, what its forms do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.responses import RedirectResponse

from api.pages.customer.visits import Visit
from api.pages.serving import Handle

FIRST = "credits"


def everywhere(_: Visit) -> bool:
    """Say that a page is for every customer."""
    return True


@dataclass(frozen=True, slots=True)
class Page:
    """`show` returns what the template `customer/<name>.html.j2` is given.

    `acts` are its forms by the last part of their address; each answers as `show` does, or leads
    back to the page. Where one raises `BillingError`, the page is shown with what was refused.

    `admins`: a member who is no admin neither sees the page nor may send its forms. `has`: whether
    it is in the customer's menu; the address works all the same, and says why there is nothing.
    `files` are what it offers to be saved.
    """

    name: str
    title: str
    show: Handle[Visit]
    acts: Mapping[str, Handle[Visit]] = field(default_factory=dict)
    files: Mapping[str, Handle[Visit]] = field(default_factory=dict)
    admins: bool = False
    has: Callable[[Visit], bool] = everywhere

    def seen_by(self, visit: Visit) -> bool:
        """Return whether a visitor may know that there is such a page."""
        if visit.session.only:
            return self.name == visit.session.only
        return visit.is_admin or not self.admins

    @property
    def address(self) -> str:
        """The page's path."""
        return address(self.name)


def address(name: str) -> str:
    """Return the path of a page by its name."""
    return f"/console/{name}"


def back_to(name: str, query: str = "") -> RedirectResponse:
    """Return to a page after a form has done its work: reloading does not send it again."""
    return RedirectResponse(address(name) + (f"?{query}" if query else ""), 303)
