"""Meta and the shops on loopback: as strict as the real ones, and able to misbehave on request.

The demo, the tests and the chaos runs meet these servers. The product never imports this package,
and this package never imports the product: an oracle that shares code proves nothing.
"""
