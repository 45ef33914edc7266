"""The pages of a store: its areas, and the pages of each, in the order of their tabs."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct


class Tab(Struct, frozen=True):
    """A page that every store has; `page` is the name of its address."""

    page: str
    label: str | Promise


class Area(Struct, frozen=True):
    """Pages that belong together; the first one is where the area's own tab leads."""

    label: str | Promise
    tabs: Sequence[Tab]

    @property
    def page(self) -> str:
        """The name of the address that it leads to."""
        return self.tabs[0].page


AREAS = (
    Area(_("Home"), [Tab("home", _("Home")), Tab("report", _("Report"))]),
    Area(
        _("Orders"),
        [
            Tab("ledger", _("Ledger")),
            Tab("deliveries", _("Deliveries")),
            Tab("preview", _("Preview")),
        ],
    ),
    Area(_("Balance"), [Tab("balance", _("Balance"))]),
    Area(_("Speed"), [Tab("speed", _("Speed"))]),
    Area(_("Match quality"), [Tab("match_quality", _("Match quality"))]),
    Area(_("Privacy"), [Tab("privacy", _("Privacy"))]),
    Area(
        _("Set-up"),
        [
            Tab("set_up", _("Step by step")),
            Tab("mappings", _("Mappings")),
            Tab("datasets", _("Datasets")),
            Tab("browser", _("Browser")),
            Tab("test_events", _("Test events")),
            Tab("connection", _("Connection")),
        ],
    ),
)
TABS = tuple(tab for area in AREAS for tab in area.tabs)


def area_of(page: str) -> Area:
    """The area that a page stands in. Raises StopIteration where there is no such page."""
    return next(area for area in AREAS if page in [tab.page for tab in area.tabs])
