"""`python -m sandbox.shops shopify|woocommerce …`: posts invented orders, one line per request.

Ends with 0 when the receiver took every one, 1 when it did not, 2 for a wrong command line.
"""

import argparse
import os
import sys
from datetime import UTC, datetime

from sandbox.orders import KINDS, Platform, stories
from sandbox.shops import Delivery, ShopifyShop, WooCommerceStore


def main(arguments: list[str] | None = None) -> int:
    """Runs the command with `arguments` (sys.argv's without them); returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        shop = _shop(options)
        told = stories(
            platform=options.platform,
            count=options.count,
            seed=options.seed,
            kinds=options.kind,
            currency=options.currency,
            now=datetime.now(UTC),
        )
        refused = 0
        for story in told:
            for delivery in shop.tell(story):
                print(_line(delivery), story.name, story.expect, f"({story.about})", flush=True)
                refused += not delivery.succeeded
    except ValueError as error:
        parser.error(str(error))
    if refused:
        print(f"Not taken by {options.url}: {refused} requests.", file=sys.stderr)
    return 1 if refused else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.shops", description="Posts invented orders as a real shop would."
    )
    platforms = parser.add_subparsers(dest="platform", required=True)
    shopify = platforms.add_parser("shopify", help="a Shopify shop")
    shopify.add_argument("--domain", required=True, help="lyon.myshopify.com")
    shopify.add_argument("--secret", default=os.environ.get("SHOPIFY_API_SECRET"))
    shopify.add_argument("--family", choices=("classic", "events", "both"), default="classic")
    woocommerce = platforms.add_parser("woocommerce", help="a WooCommerce store")
    woocommerce.add_argument("--source", required=True, help="https://kitchen.example/")
    woocommerce.add_argument("--secret", default=os.environ.get("WOOCOMMERCE_WEBHOOK_SECRET"))
    _add_common(shopify, platform="shopify")
    _add_common(woocommerce, platform="woocommerce")
    return parser


def _add_common(parser: argparse.ArgumentParser, *, platform: Platform) -> None:
    parser.add_argument("--url", required=True, help="where the webhooks go")
    parser.add_argument("--count", type=int, default=10, help="how many orders (10)")
    parser.add_argument("--seed", type=int, default=1, help="other seeds, other orders (1)")
    parser.add_argument("--currency", help="the store's; default: one per order")
    parser.add_argument(
        "--kind", action="append", choices=KINDS[platform], help="only these; may be repeated"
    )


def _shop(options: argparse.Namespace) -> ShopifyShop | WooCommerceStore:
    if not options.secret:
        raise ValueError("a secret is needed to sign with: give --secret")
    if options.platform == "shopify":
        return ShopifyShop(options.domain, options.secret, options.url, family=options.family)
    return WooCommerceStore(options.source, options.secret, options.url)


def _line(delivery: Delivery) -> str:
    milliseconds = f"{delivery.elapsed * 1000:.0f} ms"
    answer = delivery.status or delivery.error
    return f"{answer}  {milliseconds:>7}  {delivery.topic:<16}"


if __name__ == "__main__":
    sys.exit(main())
