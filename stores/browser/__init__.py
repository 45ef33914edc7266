"""The half that runs in the shop: what its pages tell of a buyer, and how a store uses it."""
