"""People as an identity provider names them: which address acts carry, and which role they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.access.operators import OperatorRole, email_of
from domain.errors import BillingError, InvalidInput

LONGEST_NAME = 100
LONGEST_SUBJECT = 255  # of OpenID Connect Core, 2
# Of several roles a person has the first.
BY_WEIGHT = (OperatorRole.ADMIN, OperatorRole.FINANCE, OperatorRole.SUPPORT)


class SignInRefused(BillingError):
    """Nobody was signed in; the reason says what cures it."""


@dataclass(frozen=True, slots=True)
class RoleRules:
    """Which values of which claim stand for a role.

    `claim` is a claim's name, or for one inside another, such as Keycloak's, names with dots.
    """

    claim: str
    values: tuple[tuple[OperatorRole, str], ...]

    def role_of(self, claims: Mapping[str, Any]) -> OperatorRole | None:
        """Return the role that the claims give; None: they give none."""
        found = self._found(claims)
        held = {found} if isinstance(found, str) else _texts(found)
        has = {role for role, value in self.values if value in held}
        return next((role for role in BY_WEIGHT if role in has), None)

    def _found(self, claims: Mapping[str, Any]) -> object:
        if self.claim in claims:
            return claims[self.claim]
        inside: object = claims
        for name in self.claim.split("."):
            inside = inside.get(name) if isinstance(inside, Mapping) else None
        return inside


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody of an identity provider. `subject` is what stays when name or address change."""

    issuer: str
    subject: str
    email: str
    name: str


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """Return who the checked claims of an ID token are about.

    Raises `SignInRefused` (`address_missing`): without an address that the provider stands by there
    is nothing to keep with acts.
    """
    told = claims.get("email")
    if not isinstance(told, str) or claims.get("email_verified", True) is not True:
        raise SignInRefused("address_missing", "the ID token has no verified e-mail address")
    try:
        email = email_of(told)
    except InvalidInput as error:
        raise SignInRefused("address_missing", "the e-mail address cannot be read") from error
    named = claims.get("name")
    name = " ".join(named.split())[:LONGEST_NAME] if isinstance(named, str) else ""
    readable = name if name.isprintable() else ""
    return Identity(str(claims["iss"]), str(claims["sub"]), email, readable or email[:LONGEST_NAME])


def _texts(found: object) -> set[str]:
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()
