"""IN: the door and the inbox."""
