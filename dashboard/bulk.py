"""What is done to many stores at once: each action can first tell, store by store, what it would do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from conversions.dataset import Looked, look_at
from conversions.graph import GraphClient
from conversions.tasks import send_due
from dashboard.datasets import give_token
from dashboard.reasons import in_words
from dashboard.words import number
from purchases.mapping import RulesError, read_rules
from shop_webhooks.replay import replay_stores
from stores.models import MappingTemplate, Pixel, Store

AT_A_TIME = 16  # datasets that Meta is asked for side by side
SECONDS = 20  # that a browser is kept waiting for a replay


class Line(Struct, frozen=True, kw_only=True):
    """What becomes of a store, or of a dataset. `changes`: of how many things; `fault`: it cannot be."""

    name: str
    said: str
    changes: int = 0
    fault: bool = False


def pause(stores: Sequence[Store], *, carry_out: bool) -> list[Line]:
    """Switch off the mappings that are in force; they remember it."""
    return [
        _switch(store, on=False, found=Q(enabled=True), carry_out=carry_out) for store in stores
    ]


def resume(stores: Sequence[Store], *, carry_out: bool) -> list[Line]:
    """Switch on again what `pause` has switched off, and nothing else."""
    found = Q(enabled=False, paused_at__isnull=False)
    return [_switch(store, on=True, found=found, carry_out=carry_out) for store in stores]


def _switch(store: Store, *, on: bool, found: Q, carry_out: bool) -> Line:
    mappings = store.mappings.filter(found)
    if carry_out:
        count = mappings.update(enabled=on, paused_at=None if on else Now())
    else:
        count = mappings.count()
    if not count:
        return Line(name=store.name, said=_("Nothing to change"))
    words = (
        ngettext("%(n)s mapping goes on", "%(n)s mappings go on", count)
        if on
        else ngettext("%(n)s mapping goes off", "%(n)s mappings go off", count)
    )
    return Line(name=store.name, said=words % {"n": number(count)}, changes=count)


def use_template(
    stores: Sequence[Store], template: MappingTemplate, *, carry_out: bool
) -> list[Line]:
    """Let every mapping of the stores stand on the template; what a mapping says itself still overrules.

    A store one of whose mappings would then say nothing that can be meant is left as it is, and named.
    """
    return [_put_on(store, template, carry_out=carry_out) for store in stores]


@transaction.atomic
def _put_on(store: Store, template: MappingTemplate, *, carry_out: bool) -> Line:
    if store.workspace_id != template.workspace_id:
        fault = _("The template is another workspace's.")
        return Line(name=store.name, said=fault, fault=True)
    mappings = list(
        store.mappings.select_for_update().exclude(template=template).order_by("position")
    )
    for mapping in mappings:
        try:
            read_rules(template.settings | mapping.settings)
        except RulesError as error:
            fault = _("Mapping %(n)s: %(error)s") % {"n": mapping.position, "error": error}
            return Line(name=store.name, said=fault, fault=True)
    if not mappings:
        return Line(name=store.name, said=_("Nothing to change"))
    if carry_out:
        store.mappings.filter(pk__in=[mapping.pk for mapping in mappings]).update(template=template)
    words = ngettext(
        "%(n)s mapping takes the template",
        "%(n)s mappings take the template",
        len(mappings),
    )
    return Line(name=store.name, said=words % {"n": number(len(mappings))}, changes=len(mappings))


def renew_token(pixels: Sequence[Pixel], access_token: str, *, graph: GraphClient) -> list[Line]:
    """Ask Meta for each dataset with the token: those that it opens have it from now on."""

    def look(pixel: Pixel) -> Looked:
        return look_at(pixel_id=pixel.pixel_id, access_token=access_token, graph=graph)

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        found = list(zip(pixels, threads.map(look, pixels), strict=True))
    return [_give(pixel, access_token, looked) for pixel, looked in found]


def _give(pixel: Pixel, access_token: str, looked: Looked) -> Line:
    name = f"{pixel.name} {pixel.pixel_id}".strip()
    if looked.reason:
        return Line(name=name, said=in_words(looked.reason), fault=True)
    give_token(pixel, access_token=access_token, looked=looked)
    return Line(name=name, said=_("has the token"), changes=1)


def send_again(
    stores: Sequence[Store], *, since: datetime, until: datetime, carry_out: bool
) -> list[Line]:
    """Replay each store's orders of the span (aware times). Those for which there is no time left are
    named: doing it again goes on there, for what is owed already is not looked at twice."""
    ends = time.monotonic() + SECONDS
    lines = []
    for store in stores:
        if time.monotonic() > ends:
            said = _("Not looked at yet: the time was up. Do it again.")
            lines.append(Line(name=store.name, said=said, fault=True))
            continue
        found = replay_stores(
            stores=[store], since=since, until=until, pixel_id="", carry_out=carry_out
        )
        count = found.count("send")
        words = ngettext("%(n)s event to send", "%(n)s events to send", count)
        said = words % {"n": number(count)} if count else _("Nothing to send")
        lines.append(Line(name=store.name, said=said, changes=count))
    if carry_out and any(line.changes for line in lines):
        send_due.ring_now()
    return lines
