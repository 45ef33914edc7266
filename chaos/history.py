"""What a run has seen, from three sides: the shops, the ledger, and Meta's books."""

from dataclasses import dataclass, field

Key = tuple[str, str, str]  # store, order id, pixel
ANY = "*"  # reason


@dataclass(frozen=True, kw_only=True)
class Sold:
    """One order, as its shop knows it."""

    store: str
    order_id: str
    kind: str
    pixels: tuple[str, ...]
    may_end: frozenset[tuple[str, str]] | None
    """The states and reasons that its rows may end in (ANY: whatever the reason); None: too little was
    acknowledged to say."""
    acknowledged_at: float = 0.0

    @property
    def event_id(self) -> str:
        """What the fleet file's template makes of it."""
        return f"{self.store}-{self.order_id}"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the ledger; times are Unix seconds on Meta's clock."""

    store: str
    order_id: str
    pixel: str
    event_id: str
    state: str
    reason: str
    cut_off: float

    @property
    def key(self) -> Key:
        """Whose row it is."""
        return self.store, self.order_id, self.pixel


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One event that Meta has stored."""

    pixel: str
    event_name: str
    event_id: str
    at: float
    counted: bool


@dataclass(frozen=True, kw_only=True)
class Post:
    """One request to Meta, refused ones too."""

    pixel: str
    event_ids: tuple[str, ...]
    at: float
    outcome: str


@dataclass(kw_only=True)
class History:
    """Everything the checker may look at."""

    sold: list[Sold] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    """The workspace of each store and of each pixel."""
    imbalances: list[str] = field(default_factory=list)
    """What the database says against itself."""
