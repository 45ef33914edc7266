"""SHOW: the screens; reads everything and is imported by nobody."""
