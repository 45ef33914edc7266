"""Where a WooCommerce store may live: at a public https address, as far as its text tells.

Names are not resolved here: an answer of today's DNS says nothing about tomorrow's.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# Names that never lead to the public internet: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal.
PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "lan", "test", "invalid", "onion")


class AddressError(ValueError):
    """Says what is wrong with an address."""


def shop_url(text: str, *, allow_private: bool) -> str:
    """`text` in its one form: lower-case host, no trailing slash. Raises AddressError.

    A private or plain http address is taken only with `allow_private`.
    """
    if any(character.isspace() for character in text) or len(text) > 500:
        raise AddressError("is not an address such as https://shop.example")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError("is not an address such as https://shop.example") from None
    _check(parts, host, allow_private=allow_private)
    host = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme.lower()}://{host}" + (f":{port}" if port else "")
    return origin + parts.path.rstrip("/")


def _check(parts: SplitResult, host: str, *, allow_private: bool) -> None:
    if parts.scheme.lower() not in ("https", "http") or not host:
        raise AddressError("is not an address such as https://shop.example")
    if "@" in parts.netloc:
        raise AddressError("holds a user name or a password: leave them out")
    if parts.query or parts.fragment:
        raise AddressError("must end with its path: leave out what follows ? or #")
    if not host.isascii():
        raise AddressError("has a host beyond ASCII: write it as its xn-- name")
    if not _is_ip(host) and not HOST.fullmatch(host):
        raise AddressError("has a host that is no name")
    if allow_private:
        return
    if parts.scheme.lower() != "https":
        raise AddressError("must be https")
    if _is_private(host):
        raise AddressError("is a private address: shops are reached over the internet")


def _is_private(host: str) -> bool:
    if _is_ip(host):
        return not ip_address(host).is_global
    # The last label of a public name has a letter: 127.1 and 0x7f.1 are addresses in disguise.
    last = host.rpartition(".")[2]
    is_number = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None
    listed = any(host == name or host.endswith(f".{name}") for name in PRIVATE_NAMES)
    return "." not in host or is_number or listed


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
