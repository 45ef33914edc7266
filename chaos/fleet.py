"""Who sells through the installation: three tenants, ten shops, seven datasets.

Shops of different tenants have the same order ids, and every event id names its shop: an order that
strays to another tenant's dataset cannot hide there.
"""

import json
import secrets
from dataclasses import dataclass, field

SHOPIFY_SECRET = secrets.token_hex(16)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One shop: which tenant it belongs to, and which datasets its orders are for."""

    key: str
    tenant: str
    platform: str
    pixels: tuple[str, ...]
    place: int  # among the shops of its tenant: the same place, the same order ids
    secret: str = field(default=SHOPIFY_SECRET, repr=False)

    @property
    def domain(self) -> str:
        """What the shop calls itself."""
        return f"{self.key}.myshopify.com"

    @property
    def url(self) -> str:
        """Its home page."""
        return f"https://{self.key}.example"


PIXELS = {
    "north": ("1000000000011", "1000000000012", "1000000000013"),
    "south": ("1000000000021", "1000000000022"),
    "west": ("1000000000031", "1000000000032"),
}
ALL_PIXELS = tuple(pixel for pixels in PIXELS.values() for pixel in pixels)
OWNERS = {pixel: tenant for tenant, pixels in PIXELS.items() for pixel in pixels}


def _shop(tenant: str, place: int, platform: str, datasets: int) -> Shop:
    pixels = PIXELS[tenant]
    chosen = tuple(pixels[(place + n) % len(pixels)] for n in range(datasets))
    key = f"{tenant}-{place}"
    secret = SHOPIFY_SECRET if platform == "shopify" else f"{key}-{secrets.token_hex(8)}"
    return Shop(
        key=key, tenant=tenant, platform=platform, pixels=chosen, place=place, secret=secret
    )


SHOPS = (
    _shop("north", 0, "shopify", 1),
    _shop("north", 1, "shopify", 3),
    _shop("north", 2, "woocommerce", 2),
    _shop("north", 3, "shopify", 1),
    _shop("south", 0, "shopify", 2),
    _shop("south", 1, "woocommerce", 1),
    _shop("south", 2, "woocommerce", 2),
    _shop("west", 0, "shopify", 1),
    _shop("west", 1, "shopify", 2),
    _shop("west", 2, "woocommerce", 1),
)


def token(pixel: str) -> str:
    """The access token of a dataset; each has its own."""
    return f"EAAChaos{pixel}{'x' * 12}"


def fleet_file(tenant: str) -> str:
    """The tenant's fleet file (JSON is YAML); its secrets are names."""
    document = {
        "version": 1,
        "workspace": {"slug": tenant, "name": tenant.title()},
        "pixels": [
            {"id": pixel, "name": pixel[-2:], "access_token": f"${{TOKEN_{pixel}}}"}
            for pixel in PIXELS[tenant]
        ],
        "templates": {"default": {"event_id": 'template:"{shop}-{order_id}"'}},
        "stores": [_store(shop) for shop in SHOPS if shop.tenant == tenant],
    }
    return json.dumps(document, indent=1)


def environment() -> dict[str, str]:
    """The secrets that the fleet files name."""
    tokens = {f"TOKEN_{pixel}": token(pixel) for pixel in ALL_PIXELS}
    return tokens | {_secret_name(shop): shop.secret for shop in SHOPS}


def _store(shop: Shop) -> dict[str, object]:
    store: dict[str, object] = {"key": shop.key, "name": shop.key, "platform": shop.platform}
    if shop.platform == "shopify":
        store["domain"] = shop.domain
    else:
        store |= {"url": shop.url, "webhook_secret": f"${{{_secret_name(shop)}}}"}
    mappings = [{"pixel": pixel, "template": "default"} for pixel in shop.pixels]
    return store | {"mappings": mappings}


def _secret_name(shop: Shop) -> str:
    return f"SECRET_{shop.key.replace('-', '_').upper()}"
