"""What an address says about who asks: limits count subscribers, not addresses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def owner_of(address: str) -> str:
    """What stands for one subscriber: an IPv4 address, or the /64 that an IPv6 address lies in (RFC 6177).

    Whatever is no address, as a Unix socket's name, stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
