"""Where an endpoint is: which addresses are taken."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.errors import InvalidInput

PORTS = (443, 8443)
MOST_URL = 2_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `is_secure` is TLS, `path` has the query with it."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def named(self) -> str:
        """The host as the `Host` header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_secure else 80) else f"{host}:{self.port}"


def parsed_url(url: str, *, anywhere: bool = False) -> Target:
    """Return where an endpoint is. Raises `InvalidInput` (`invalid_url`).

    Only https on the ports 443 and 8443; `anywhere` allows http and every port, for local use. The
    host's addresses are looked at when a request is made, each time.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError:  # a port that is no number, a host that is no name
        raise _invalid_url("cannot be read") from None
    secure = parts.scheme == "https"
    port = port or (443 if secure else 80)
    if not secure and not (anywhere and parts.scheme == "http"):
        raise _invalid_url("is not https")
    if not anywhere and port not in PORTS:
        raise _invalid_url(f"names port {port}, which is not one of {PORTS}")
    if not host or parts.username is not None or parts.password is not None:
        raise _invalid_url("has no host, or a user")
    path = parts.path or "/"
    path = f"{path}?{parts.query}" if parts.query else path
    if len(url) > MOST_URL or parts.fragment or not all("!" <= one <= "~" for one in path):
        raise _invalid_url("is too long, has a fragment, or is not plain ASCII")
    return Target(secure, host, port, path)


def _invalid_url(fault: str) -> InvalidInput:
    return InvalidInput("invalid_url", f"the endpoint's address {fault}")
