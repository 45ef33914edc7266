"""What somebody who is not looking has to be told: found, kept, sent, and taken back when it is over."""
