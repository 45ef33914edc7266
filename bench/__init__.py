"""Measured ratios: the product against what it replaces, in one run on one machine.

`make bench` takes some minutes: transform, ingest, drain, journey, sustained. `make bench ONLY=scale`
and `ONLY=lanes` take longer (ten million orders; a back-fill), and FULL=1 runs all, the back-fill with a
million. Absolute figures say more of the machine than of the code; the ratios are what
docs/performance.md quotes.
"""
