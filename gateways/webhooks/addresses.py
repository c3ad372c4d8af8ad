"""Which addresses a request may go to: none from which somebody outside could look inside.

`is_global` alone says yes to ways round it: addresses that carry another one, and multicast. Its
tables also change between releases of Python, so that what must be refused is listed here as well.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

REFUSED = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # IPv6 addresses that belong to nobody outside, or carry another one in a local way.
        *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20"),
        *("5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
NAT64 = ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Say whether a request from outside could reach an address as well."""
    try:
        found = ip_address(address)
    except ValueError:  # with a zone, as fe80::1%eth0
        return False
    return all(
        one.is_global
        and not one.is_multicast
        and not any(one.version == net.version and one in net for net in REFUSED)
        for one in _carried(found)
    )


def _carried(address: Address) -> Iterator[Address]:
    """Yield an address, or those that it carries where packets go on to them."""
    if isinstance(address, IPv4Address):
        yield address
        return
    inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        inner.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    carried = [one for one in inner if one is not None]
    if address.ipv4_mapped is None and address not in NAT64:
        yield address
    yield from carried
