"""Which IP addresses lie on the public internet: everything else is ours, or somebody's own network.

Python's `is_global` alone does not tell: to it an address that a gateway turns into 169.254.169.254 is
public. So IPv6 must be plain global unicast, and one that carries an IPv4 address is judged by that.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# Reached from inside a network only, or not at all, and yet "global": Azure's host, protocol
# assignments, the old 6to4 relay. https://www.iana.org/assignments/iana-ipv4-special-registry
DENIED_IPV4 = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))
GLOBAL_UNICAST = ip_network("2000::/3")
# 6to4 and Teredo lead to whatever IPv4 address they spell; no shop is reached by them.
DENIED_IPV6 = tuple(map(ip_network, ("2002::/16", "2001::/32", "2001:db8::/32", "3fff::/20")))
# The one prefix by which a network without IPv4 reaches public IPv4 (RFC 6052).
NAT64 = ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether a request to `address` leaves for the public internet."""
    if isinstance(address, IPv4Address):
        denied = any(address in network for network in DENIED_IPV4)
        return address.is_global and not address.is_multicast and not denied
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    denied = any(address in network for network in DENIED_IPV6)
    return address in GLOBAL_UNICAST and address.is_global and not denied


def read_ip(text: str) -> Address | None:
    """The address that `text` spells, or None where it is a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None
