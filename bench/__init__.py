"""Measured ratios: the product against what it replaces, in one run on one machine.

`make bench` runs all, `make bench ONLY=ingest` (transform, ingest, drain, journey) one. Absolute
figures say more of the machine than of the code; the ratios are what docs/performance.md quotes.
"""
