"""A page of the customer's console, as a value: its address, who sees it, what its forms do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import RedirectResponse, Response

from api.pages.customer.visits import Visit

# What a page's template is given, or a whole response.
Handle = Callable[[Visit], Awaitable[Mapping[str, Any] | Response]]


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
    show: Handle
    acts: Mapping[str, Handle] = field(default_factory=dict)
    files: Mapping[str, Handle] = field(default_factory=dict)
    admins: bool = False
    has: Callable[[Visit], bool] = everywhere

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
