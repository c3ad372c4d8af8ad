"""A page of the operators' console, as a value: its address, who acts there, what its forms do."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import RedirectResponse

from api.pages.operator.visits import Visit
from api.pages.serving import Handle
from domain.access.operators import OperatorRole

FIRST = "customers"
EVERYBODY = frozenset(OperatorRole)


@dataclass(frozen=True, slots=True)
class Page:
    """`show` returns what the template `operator/<name>.html.j2` is given.

    `acts` are its forms by the last part of their address, which only `roles` may send; where one
    raises `BillingError`, the page is shown with what was refused. `seen_by` may look at it.
    `files` are what it offers to be saved; `menu`: whether the menu has it.
    """

    name: str
    title: str
    show: Handle[Visit]
    acts: Mapping[str, Handle[Visit]] = field(default_factory=dict)
    files: Mapping[str, Handle[Visit]] = field(default_factory=dict)
    roles: frozenset[OperatorRole] = EVERYBODY
    seen_by: frozenset[OperatorRole] = EVERYBODY
    menu: bool = True

    @property
    def address(self) -> str:
        """The page's path."""
        return address(self.name)


def address(name: str) -> str:
    """Return the path of a page by its name."""
    return f"/operator/{name}"


def back_to(name: str, query: str = "") -> RedirectResponse:
    """Return to a page after a form has done its work: reloading does not send it again."""
    return RedirectResponse(address(name) + (f"?{query}" if query else ""), 303)
