"""What happens by the clock: by beat, and by each worker for itself."""

BEAT = {
    "forget-deliveries": {"task": "shop_webhooks.forget_bodies", "schedule": 3600.0},
    # More of them at once, where one shop is slow: the worker's own sweep does it one by one.
    "watch-shops": {
        "task": "shop_webhooks.watch_shops",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "forget-payloads": {"task": "conversions.forget_payloads", "schedule": 3600.0},
    "carry-out-notices": {"task": "shop_webhooks.carry_out_notices", "schedule": 300.0},
    "keep-shopify-tokens": {"task": "stores.keep_shopify_tokens", "schedule": 3600.0},
    "look-at-datasets": {
        "task": "dashboard.look_at_datasets",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "write-letters": {
        "task": "dashboard.write_letters",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "seal-audit": {"task": "dashboard.seal_audit", "schedule": 60.0, "options": {"expires": 60}},
    "balance-shops": {
        "task": "dashboard.balance_shops",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
}
# What every worker does by itself when no doorbell rings (connector/sweeper.py).
SWEPT = (
    "shop_webhooks.read_due",
    "conversions.send_due",
    "conversions.expire",
    "shop_webhooks.watch_shops",
    "conversions.merge_totals",
    "dashboard.look_out",
)
