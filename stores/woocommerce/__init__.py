"""A WooCommerce shop's own API: how it takes a key, its webhooks, its orders, what else runs there."""
