"""ID tokens: whose signature counts, and what each must say (OpenID Connect Core, 3.1.3.7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jwt import JWTClaimsRegistry

from domain.access.identities import LONGEST_SUBJECT, SignInRefused

# By a key that the provider keeps to itself: `none` signs nothing, and with HS256 whoever knows a
# public key could sign.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KINDS: dict[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
LEEWAY = 60  # seconds that two clocks may differ
LONGEST = 20_000  # characters
Key = RSAKey | ECKey


def checked_claims(
    token: str, keys: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, at: datetime
) -> dict[str, Any]:
    """Return the claims of an ID token, all of them checked at `at`.

    Raises `SignInRefused` (`id_token_refused`), whose text says which check failed, in our words.
    """
    claims = _verified(token, keys)
    registry = JWTClaimsRegistry(
        now=int(at.timestamp()),
        leeway=LEEWAY,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise _refused(_wrong(error)) from error
    if claims.get("nonce") != nonce:
        raise _refused("nonce")
    if len(claims["sub"]) > LONGEST_SUBJECT:
        raise _refused("sub")
    azp, audiences = claims.get("azp"), claims["aud"]
    alone = audiences in (client_id, [client_id])
    if azp != client_id and (azp is not None or not alone):
        raise _refused("azp")
    return claims


def _verified(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a token says if one of the keys that it may mean has signed it."""
    try:
        header = jws.extract_compact(token[:LONGEST].encode()).headers()
    except (JoseError, ValueError) as error:
        raise _refused("form") from error
    if header.get("alg") not in ALGORITHMS:
        raise _refused("alg")
    for key in _meant(keys, header.get("kid")):
        try:
            return jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError):
            continue
    raise _refused("signature")


def _meant(keys: Mapping[str, Any], kid: object) -> list[Key]:
    """Return the public keys that a token may mean: those of its id, or all if it names none."""
    listed = keys.get("keys")
    found: list[Key] = []
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        kind = KINDS.get(str(one.get("kty")))
        if kind is None or (kid is not None and one.get("kid") != kid):
            continue
        try:
            found.append(kind.import_key(one))
        except (JoseError, ValueError, TypeError):  # of no use to us, but perhaps to others
            continue
    return found


def _wrong(error: JoseError) -> str:
    """Return which claim is wrong, never what it says."""
    named = str(getattr(error, "claim", "")) or error.error
    return named if named.replace("_", "").replace(",", "").isalnum() else "claims"


def _refused(check: str) -> SignInRefused:
    return SignInRefused("id_token_refused", f"the ID token fails the check of: {check}")
