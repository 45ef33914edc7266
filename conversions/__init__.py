"""OUT: the outbox, the sender and the ledger."""
