"""From a shop's order to Meta's event: the translation itself, without I/O, clock or settings.

Read in this order: `order.py` (the waist of the hourglass), `shops/` (a platform's bytes become an
`Order`), `decision.py` and `mapping.py` (is it to be reported, where and how), `meta/` (the `Order`
becomes a `PurchaseEvent`, and Meta's answer an outcome).
"""
