"""Invented buyers: who they are, where they live, and what their browser said."""

import random
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.orders.countries import COUNTRIES, Country, Place

# Reserved for examples (RFC 2606), so no mail can reach anyone.
_MAIL_DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "Post.Example")
# Public resolvers beside documentation ranges: addresses of the open internet where no buyer lives.
_IPV4 = ("9.9.9.9", "149.112.112.112", "1.1.1.1", "8.8.4.4", "203.0.113.24", "198.51.100.7")
_IPV6 = ("2620:fe::fe", "2606:4700:4700::1111", "2001:4860:4860:0:0:0:0:8844", "2001:db8::17")
_BROWSERS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/512.0.0.40.99;FBDV/iPhone15,2;FBLC/pt_PT]",
)
_CLICK_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A buyer, as typed into a checkout: `phone` and `email` in any form, or ""."""

    country: Country
    place: Place
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    customer_number: int | None  # None: a guest


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What the browser of one checkout knew. The cookie values are "" when there was none."""

    ip: str
    user_agent: str
    began_at: datetime
    fbclid: str
    fbp: str
    fbc: str


def invent_person(rng: random.Random) -> Person:
    """Somebody of some country, half of them with an account at the shop."""
    country = rng.choice(COUNTRIES)
    first, last = rng.choice(country.first_names), rng.choice(country.last_names)
    return Person(
        country=country,
        place=rng.choice(country.places),
        first_name=first,
        last_name=last,
        email=_email(rng, first, last),
        phone="".join(
            str(rng.randrange(10)) if c == "#" else c
            for c in rng.choice((*country.phones, country.phones[0], ""))
        ),
        street=country.street.format(n=rng.randint(1, 99)),
        customer_number=None if rng.random() < 0.5 else rng.randint(10_000, 99_999_999),
    )


def invent_visit(rng: random.Random, *, until: datetime) -> Visit:
    """A visit that ended in the order placed at `until`; about half came by an ad."""
    began_at = until - timedelta(seconds=rng.randint(40, 1800))
    milliseconds = int(began_at.timestamp() * 1000) + rng.randrange(1000)
    fbclid = "IwAR" + "".join(rng.choices(_CLICK_ID_LETTERS, k=57)) if rng.random() < 0.5 else ""
    cookies = rng.random() < 0.7
    return Visit(
        ip=rng.choice(_IPV4 if rng.random() < 0.7 else _IPV6),
        user_agent=rng.choice(_BROWSERS),
        began_at=began_at,
        fbclid=fbclid,
        fbp=f"fb.1.{milliseconds}.{rng.randrange(10**9, 10**10)}" if cookies else "",
        fbc=f"fb.1.{milliseconds}.{fbclid}" if cookies and fbclid else "",
    )


def _email(rng: random.Random, first: str, last: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    name = "".join(c for c in plain if c.isalnum() or c == ".").strip(".") or "buyer"
    address = f"{name}{rng.randrange(1000)}@{rng.choice(_MAIL_DOMAINS)}"
    typed = (
        address.lower(),
        address.lower(),
        address,
        address.lower().replace("@", "+shop@"),
        f" {address} ",
        "",
    )
    return rng.choices(typed, weights=(6, 6, 3, 2, 1, 1))[0]
