"""Makes a workspace equal to a `Fleet`: one transaction for what stores share, one for each store.

Nothing that has seen an order is deleted: a store that the file lacks is disconnected, a pixel that the
ledger knows stays. Each write brings its row to the wanted state whatever it was, so that an apply
that was interrupted, or ran twice at once, is mended by running it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from msgspec import Struct

from stores.browser.switch import set_browser_half
from stores.fleet.document import FleetError
from stores.fleet.entries import STORE_SECRETS, Fleet, PixelEntry, SecretEntry, StoreEntry
from stores.fleet.plan import Change, differences, warnings
from stores.fleet.workspace import pixels_in_ledger, read_workspace
from stores.models import MappingTemplate, Pixel, PixelMapping, Store, Workspace
from stores.secrets import Secret

# A test code that is forgotten makes Meta count the events twice in its test view, and for ever.
TEST_EVENT_CODE_LASTS = timedelta(hours=24)


class Conflict(Exception):
    """A store could not be written, because another one has its shop by now."""


class Plan(Struct, frozen=True, kw_only=True):
    """What an apply would do, and what is worth knowing before."""

    wanted: Fleet
    changes: list[Change]
    warnings: list[str]


def plan_fleet(wanted: Fleet, *, shopify_is_on: bool) -> Plan:
    """Compare `wanted` with the database. Raises FleetError where the two cannot be brought together."""
    workspace = Workspace.objects.filter(slug=wanted.slug).first()
    now = read_workspace(workspace) if workspace else None
    _refuse_conflicts(now, wanted)
    kept = _kept_pixels(workspace, now, wanted) if workspace and now else frozenset()
    return Plan(
        wanted=wanted,
        changes=differences(now, wanted, kept=kept),
        warnings=warnings(now, wanted, kept=kept, shopify_is_on=shopify_is_on),
    )


def document(plan: Plan | None, *, applied: bool, errors: Sequence[str] = ()) -> dict[str, Any]:
    """The plan for programs: what `apply --json` and the API tell."""
    told: dict[str, Any] = {
        "changes": plan.changes if plan else [],
        "applied": applied,
        "warnings": plan.warnings if plan else [],
    }
    return told | ({"errors": errors} if errors else {})


def apply_plan(plan: Plan, *, now: datetime) -> None:
    """Carry the plan out. Raises Conflict where a shop is another store's by now."""
    wanted = plan.wanted
    changed = {(change.kind, change.key) for change in plan.changes}
    gone = [change.key for change in plan.changes if change.action == "disconnect"]
    for key in gone:  # first: they keep the templates' settings as they were
        _disconnect(Workspace.objects.get(slug=wanted.slug), key)
    with transaction.atomic():
        workspace, _ = Workspace.objects.update_or_create(
            slug=wanted.slug, defaults={"name": wanted.name}
        )
        workspace.stores.filter(key__in=wanted.stores).update(by_hand=False)
        for pixel in wanted.pixels.values():
            if ("pixel", pixel.id) in changed:
                _write_pixel(workspace, pixel, now=now)
        for name, settings in wanted.templates.items():
            MappingTemplate.objects.update_or_create(
                workspace=workspace, name=name, defaults={"settings": settings}
            )
    for store in wanted.stores.values():
        if ("store", store.key) in changed:
            _write_store(workspace, store)
    _remove(workspace, plan.changes)


def _kept_pixels(workspace: Workspace, now: Fleet, wanted: Fleet) -> frozenset[str]:
    """The pixels that the file lacks and the past still needs."""
    leaving = [store for key, store in now.stores.items() if key not in wanted.stores]
    mapped = {mapping.pixel for store in leaving for mapping in store.mappings}
    unwanted = now.pixels.keys() - wanted.pixels.keys()
    return frozenset(mapped & unwanted) | pixels_in_ledger(workspace, among=unwanted - mapped)


def _refuse_conflicts(now: Fleet | None, wanted: Fleet) -> None:
    domains = {
        store.address: store for store in wanted.stores.values() if store.platform == "shopify"
    }
    elsewhere = (
        Store.objects.filter(platform="shopify", connected=True, domain__in=domains)
        .exclude(workspace__slug=wanted.slug)
        .values_list("domain", flat=True)
    )
    problems = [
        f"store {domains[domain].key}: {domain} is connected in another workspace already"
        f" (line {domains[domain].line})"
        for domain in elsewhere
    ]
    for key, store in wanted.stores.items():
        before = now.stores.get(key) if now else None
        if before and before.platform != store.platform:
            problems.append(
                f"store {key}: is a {before.platform} store, and its ledger stays one: give the"
                f" {store.platform} store another key (line {store.line})"
            )
    if problems:
        raise FleetError(*problems)


def _write_pixel(workspace: Workspace, entry: PixelEntry, *, now: datetime) -> None:
    pixel = Pixel.objects.select_for_update().filter(
        workspace=workspace, pixel_id=entry.id
    ).first() or Pixel(workspace=workspace, pixel_id=entry.id)
    pixel.name = entry.name
    pixel.access_token = entry.access_token.value
    pixel.secret_names = _names({"access_token": entry.access_token})
    pixel.ambiguous_sends = entry.ambiguous_sends
    if pixel.test_event_code != entry.test_event_code:
        pixel.test_event_code = entry.test_event_code
        pixel.test_event_code_until = now + TEST_EVENT_CODE_LASTS if entry.test_event_code else None
    pixel.broken_reason, pixel.broken_at = "", None
    pixel.save()


@transaction.atomic
def _disconnect(workspace: Workspace, key: str) -> None:
    """The store keeps its mappings, for deliveries that are not read yet, with their templates'
    settings written out: the templates may go."""
    store = workspace.stores.select_for_update().get(key=key)
    for mapping in store.mappings.select_related("template").exclude(template=None):
        mapping.settings = mapping.template.settings | mapping.settings
        mapping.template = None
        mapping.save()
    store.connected = False
    store.save(update_fields=["connected"])


def _write_store(workspace: Workspace, entry: StoreEntry) -> None:
    try:
        with transaction.atomic():
            store = workspace.stores.select_for_update().filter(key=entry.key).first() or Store(
                workspace=workspace, key=entry.key, platform=entry.platform
            )
            _set_store(store, entry)
            store.save()
            _write_mappings(store, entry)
    except IntegrityError as error:
        raise Conflict(
            f"Store {entry.key}: {entry.address} is connected as another store. The stores before it"
            " in the file are applied."
        ) from error


def _set_store(store: Store, entry: StoreEntry) -> None:
    store.rest_auth = ""  # the address or the key may be another: it is found out anew
    store.name = entry.name
    store.connected, store.by_hand = True, False
    store.consent = dict(entry.consent)
    set_browser_half(store, entry.browser)
    if entry.platform == "shopify":
        store.domain, store.url = entry.address, f"https://{entry.address}"
    else:
        store.domain, store.url = urlsplit(entry.address).hostname or "", entry.address
    for name in STORE_SECRETS[entry.platform]:
        secret = entry.secrets[name].value if name in entry.secrets else Secret("")
        if name == "webhook_secret" and secret != store.webhook_secret:
            # Deliveries that the shop has signed with the old one may still be on their way.
            store.webhook_secret_previous = store.webhook_secret
        setattr(store, name, secret)
    store.secret_names = _names(entry.secrets)


def _write_mappings(store: Store, entry: StoreEntry) -> None:
    """A row whose place and pixel are the same stays the same row: the ledger refers to it."""
    pixels = dict(store.workspace.pixels.values_list("pixel_id", "pk"))
    templates = dict(store.workspace.templates.values_list("name", "pk"))
    rows = {mapping.position: mapping for mapping in store.mappings.all()}
    for position, mapping in enumerate(entry.mappings):
        row = rows.pop(position, None)
        if row and row.pixel_id != pixels[mapping.pixel]:
            row.delete()
            row = None
        row = row or PixelMapping(store=store, position=position, pixel_id=pixels[mapping.pixel])
        row.template_id = templates.get(mapping.template)
        row.enabled = mapping.enabled
        row.paused_at = None
        row.settings = dict(mapping.settings)
        row.save()
    for row in rows.values():
        row.delete()


@transaction.atomic
def _remove(workspace: Workspace, changes: Collection[Change]) -> None:
    removed = {
        kind: [change.key for change in changes if (change.action, change.kind) == ("remove", kind)]
        for kind in ("pixel", "template")
    }
    workspace.pixels.filter(pixel_id__in=removed["pixel"]).delete()
    workspace.templates.filter(name__in=removed["template"]).delete()


def _names(secrets: Mapping[str, SecretEntry]) -> dict[str, str]:
    return {name: secret.name for name, secret in secrets.items() if secret.name}
