"""What the stand-in knows: one app, its shops, their tokens, orders and subscriptions, and a script
of misbehaviour. No HTTP here."""

import hashlib
import hmac
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt

ACCESS_SECONDS, REFRESH_SECONDS = 3_600, 90 * 86_400
# "Repeating the same request immediately returns the same answer for a short time."
REPEAT_SECONDS = 60
Json = dict[str, Any]


@dataclass(kw_only=True)
class Grant:
    """A pair of tokens, as it was given out."""

    access_token: str
    access_until: float | None  # None: it does not expire
    refresh_token: str | None = None
    refresh_until: float = 0
    answer: Json = field(default_factory=dict)
    spent_at: float | None = None  # when its refresh token was used


@dataclass(kw_only=True)
class Shop:
    """A shop with the app in it, or without."""

    domain: str
    name: str
    installed: bool = True
    scopes: list[str] = field(default_factory=list)
    currency: str = "EUR"
    time_zone: str = "Europe/Paris"
    # What the app may see of customers: nothing of orders at all, orders without them, or all.
    customer_data: Literal["none", "level1", "all"] = "all"
    index_lag: float = 0.0  # seconds until a search finds an order
    bucket: float = 4_000
    restore: float = 200
    orders: dict[str, Json] = field(default_factory=dict)  # nodes by gid
    changed_at: dict[str, float] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    subscriptions: list[Json] = field(default_factory=list)
    pixel: Json | None = None
    has_extension: bool = True  # the app's web pixel extension is deployed
    points: float = 4_000
    points_at: float = 0.0

    @property
    def handle(self) -> str:
        """Its name in the admin's addresses."""
        return self.domain.partition(".")[0]


@dataclass(kw_only=True)
class Fault:
    """A misbehaviour: `where` (token, graphql), `kind`, for so many `times` (None: for ever).

    Kinds: answer (status, body, headers), incomplete (the names in `drop` are left out of the answer),
    hang (so many seconds), reset, drip (a byte each `seconds`), huge (so many bytes).
    """

    where: Literal["token", "graphql"]
    kind: Literal["answer", "incomplete", "hang", "reset", "drip", "huge"] = "answer"
    times: int | None = 1
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    seconds: float = 0.2
    size: int = 32 * 1024 * 1024


@dataclass(kw_only=True)
class Call:
    """One request, for the books. No token stands in it."""

    where: str
    shop: str
    what: str  # the grant type, or the operation's name
    status: int
    cost: int = 0


class World:
    """One app and its shops. Every method may be called from any thread."""

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        app_url: str,
        scopes: str,
        public: bool,
    ) -> None:
        self.client_id, self.client_secret, self.app_url = client_id, client_secret, app_url
        self.scopes = [scope for scope in scopes.split(",") if scope]
        self.public = public  # a public app's tokens must expire
        self.lock = threading.RLock()
        self.over = threading.Event()
        self.offset = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget every shop, fault and book."""
        with self.lock:
            self.shops: dict[str, Shop] = {}
            self.faults: deque[Fault] = deque()
            self.calls: list[Call] = []
            self.codes: dict[str, str] = {}  # code → shop

    def now(self) -> float:
        """Unix seconds on the stand-in's clock."""
        return time.time() + self.offset

    def shop(self, domain: str, **facts: Any) -> Shop:
        """Make a shop known, with the app installed and all scopes granted unless told otherwise."""
        given = {"name": domain.partition(".")[0].title(), "scopes": list(self.scopes)}
        shop = Shop(domain=domain, **(given | facts))
        shop.points, shop.points_at = shop.bucket, self.now()
        with self.lock:
            self.shops[domain] = shop
        return shop

    def take_fault(self, where: str) -> Fault | None:
        """The misbehaviour that is next at `where`, if any."""
        with self.lock:
            fault = next((each for each in self.faults if each.where == where), None)
            if fault and fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault

    def note(self, call: Call) -> None:
        """Write a request down."""
        with self.lock:
            self.calls.append(call)

    def session_token(self, domain: str, *, staff: str = "42", **changes: Any) -> str:
        """A session token as the admin of the shop makes it: for a minute, one member of staff."""
        now = int(self.now())
        claims = {
            "iss": f"https://{domain}/admin",
            "dest": f"https://{domain}",
            "aud": self.client_id,
            "sub": staff,
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "jti": secrets.token_hex(16),
            "sid": secrets.token_hex(16),
        }
        return jwt.encode(claims | changes, self.client_secret, algorithm="HS256")

    def signed(self, query: dict[str, str]) -> dict[str, str]:
        """The query with the `hmac` that Shopify adds to it."""
        message = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
        digest = hmac.digest(self.client_secret.encode(), message.encode(), hashlib.sha256).hex()
        return query | {"hmac": digest}

    # Tokens

    def give(self, shop: Shop, *, expiring: bool, scope: str | None = None) -> Grant:
        """A new pair; the refresh tokens before it are dead."""
        now = self.now()
        with self.lock:
            for earlier in shop.grants:
                earlier.refresh_token = None
            return self._new_grant(shop, now=now, expiring=expiring, scope=scope)

    def refresh(self, shop: Shop, refresh_token: str) -> Grant | None:
        """The next pair, or the same one again for a repeated request; None for a dead token."""
        now = self.now()
        with self.lock:
            for place, grant in enumerate(shop.grants):
                if grant.refresh_token != refresh_token or now >= grant.refresh_until:
                    continue
                if grant.spent_at is None:
                    grant.spent_at = now
                    return self._new_grant(shop, now=now, expiring=True, scope=None)
                if now - grant.spent_at <= REPEAT_SECONDS and place + 1 < len(shop.grants):
                    return shop.grants[place + 1]
        return None

    def grant_of(self, shop: Shop, access_token: str) -> Grant | None:
        """The grant that an access token belongs to, while it lives."""
        now = self.now()
        with self.lock:
            if not shop.installed:
                return None
            for grant in shop.grants:
                if hmac.compare_digest(grant.access_token.encode(), access_token.encode()):
                    lives = grant.access_until is None or now < grant.access_until
                    return grant if lives else None
        return None

    def uninstall(self, domain: str) -> None:
        """The merchant removes the app: every token is dead at once."""
        with self.lock:
            shop = self.shops[domain]
            shop.installed, shop.grants, shop.subscriptions, shop.pixel = False, [], [], None

    def _new_grant(self, shop: Shop, *, now: float, expiring: bool, scope: str | None) -> Grant:
        answer: Json = {
            "access_token": f"shpat_{secrets.token_hex(16)}",
            "scope": scope or ",".join(shop.scopes),
        }
        if expiring:
            answer |= {
                "expires_in": ACCESS_SECONDS,
                "refresh_token": f"shprt_{secrets.token_hex(16)}",
                "refresh_token_expires_in": REFRESH_SECONDS,
            }
        grant = Grant(
            access_token=answer["access_token"],
            access_until=now + ACCESS_SECONDS if expiring else None,
            refresh_token=answer.get("refresh_token"),
            refresh_until=now + REFRESH_SECONDS if expiring else 0,
            answer=answer,
        )
        shop.grants.append(grant)
        return grant
