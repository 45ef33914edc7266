"""How a sandbox starts, and how it is again after a reset."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The switches of one sandbox.

    `open` welcomes any numeric dataset and any token not set up. `strict` refuses what Meta would
    silently fail to match (raw or badly hashed values, leaked contact data, wrong types); otherwise
    that is a warning in the books. The real API takes a website event without a user agent, so
    refusing that is a switch of its own. `largest_body` is in bytes, `seed` makes the trace ids.
    """

    open: bool = False
    strict: bool = True
    website_needs_user_agent: bool = False
    locale: str = "en_US"
    largest_body: int = 8 * 1024 * 1024
    seed: int = 0
