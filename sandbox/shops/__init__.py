"""Shopify and WooCommerce as senders: they sign and post as the real shops do, over real HTTP.

    shop = ShopifyShop("lyon.myshopify.com", secret="…", url="http://127.0.0.1:8000/webhooks/shopify/")
    shop.deliver("orders/paid", body).status     # 200
    shop.advance(timedelta(hours=4))             # failed deliveries are tried again, no one sleeps

    store = WooCommerceStore("https://kitchen.example/", secret="…", delivery_url="http://…")
    store.create_webhook("order.updated")        # the unsigned ping
    for story in stories(platform="woocommerce", count=20, seed=1, now=now):
        store.tell(story)

What they send is up to the caller; `sandbox.orders` makes orders. From a terminal:
`python -m sandbox.shops shopify --help`.
"""

from sandbox.shops.clock import Clock
from sandbox.shops.delivery import Answer, Delivery
from sandbox.shops.shopify import ShopifyShop
from sandbox.shops.woocommerce import Webhook, WooCommerceStore

__all__ = ["Answer", "Clock", "Delivery", "ShopifyShop", "Webhook", "WooCommerceStore"]
