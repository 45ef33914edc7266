"""Pages that a shopper sees, with what Shopify puts around a pixel: for a browser, on loopback."""

from sandbox.storefront.server import Storefront

__all__ = ["Storefront"]
