"""Faults on purpose, and books that must balance afterwards.

`make chaos` starts the product as it is deployed: PostgreSQL, Valkey, the Procfile's processes, and
Meta's stand-in. *Shops* (shops.py) sell, sign, retry, and remember which orders were acknowledged. A
*row* (rows/) of the fault matrix harms processes, servers, the network or Meta's behaviour. Then all
is mended, everything settles, and the *checker* (checker.py) compares what the shops were promised
with the ledger and with Meta's books: lost 0, twice 0, late 0, misrouted 0, imbalance 0.

The product is known from outside only: its addresses, its commands, its tables.
"""
