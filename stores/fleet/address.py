"""Where a WooCommerce store may live: at a public https address, as far as its text tells.

Names are not resolved here: an answer of today's DNS says nothing about tomorrow's.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

from stores.public_ip import is_public, read_ip

HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
# No escaped control characters, which something on the way may turn into lines of its own.
PATH = re.compile(
    r"(?!.*%(?:[01][0-9a-f]|7f))(?:/(?!\.\.?(?:/|$))[\w.~!$&'()*+,;=:@%-]*)*", re.A | re.I
)
DEFAULT_PORTS = {"https": 443, "http": 80}
# Names that never lead to the public internet: RFC 6761, RFC 6762, RFC 8375, ICANN's .internal.
PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa", "lan", "test", "invalid", "onion")


class AddressError(ValueError):
    """Says what is wrong with an address."""


def shop_url(text: str, *, allow_private: bool) -> str:
    """`text` in its one form: lower-case host, no trailing slash. Raises AddressError.

    A private or plain http address is taken only with `allow_private`.
    """
    if any(character.isspace() for character in text) or len(text) > 500:
        raise AddressError(_("is not an address such as https://shop.example"))
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError(_("is not an address such as https://shop.example")) from None
    _check(parts, host, port, allow_private=allow_private)
    scheme, host = parts.scheme.lower(), f"[{host}]" if ":" in host else host
    origin = f"{scheme}://{host}" + (
        "" if port == DEFAULT_PORTS[scheme] or not port else f":{port}"
    )
    return origin + parts.path.rstrip("/")


def _check(parts: SplitResult, host: str, port: int | None, *, allow_private: bool) -> None:
    if parts.scheme.lower() not in ("https", "http") or not host:
        raise AddressError(_("is not an address such as https://shop.example"))
    if "@" in parts.netloc:
        raise AddressError(_("holds a user name or a password: leave them out"))
    if parts.query or parts.fragment:
        raise AddressError(_("must end with its path: leave out what follows ? or #"))
    if not host.isascii():
        raise AddressError(_("has a host beyond ASCII: write it as its xn-- name"))
    if not read_ip(host) and not HOST.fullmatch(host):
        raise AddressError(_("has a host that is no name"))
    if not PATH.fullmatch(parts.path):
        raise AddressError(_("has a path that no shop has"))
    if allow_private:
        return
    if parts.scheme.lower() != "https":
        raise AddressError(_("must be https"))
    if port not in (None, 443):
        told = _("names port %(port)s: shops are reached at 443 only")
        raise AddressError(told % {"port": port})
    if _is_private(host):
        raise AddressError(_("is a private address: shops are reached over the internet"))


def _is_private(host: str) -> bool:
    if address := read_ip(host):
        return not is_public(address)
    # The last label of a public name has a letter: 127.1 and 0x7f.1 are addresses in disguise.
    last = host.rpartition(".")[2]
    is_number = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None
    listed = any(host == name or host.endswith(f".{name}") for name in PRIVATE_NAMES)
    return "." not in host or is_number or listed
