"""What the database holds of a workspace, as a `Fleet`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import PROTECT
from msgspec.structs import replace

from stores.fleet.entries import (
    STORE_SECRETS,
    Fleet,
    MappingEntry,
    PixelEntry,
    SecretEntry,
    StoreEntry,
)
from stores.models import Pixel, PixelMapping, Store, Workspace


def read_workspace(workspace: Workspace) -> Fleet:
    """Everything, disconnected stores among it, in a fixed number of queries."""
    stores = workspace.stores.prefetch_related("mappings__pixel", "mappings__template")
    return Fleet(
        slug=workspace.slug,
        name=workspace.name,
        pixels={pixel.pixel_id: _pixel(pixel) for pixel in workspace.pixels.all()},
        templates={template.name: template.settings for template in workspace.templates.all()},
        stores={store.key: _store(store) for store in stores},
    )


def read_in_force(workspace: Workspace) -> Fleet:
    """What a file would say: without disconnected stores, and without the pixels that stay only
    because the past refers to them."""
    fleet = read_workspace(workspace)
    stores = {key: store for key, store in fleet.stores.items() if store.connected}
    mapped = _mapped(stores.values())
    past = _mapped(store for store in fleet.stores.values() if not store.connected)
    past |= pixels_in_ledger(workspace, among=fleet.pixels.keys() - mapped - past)
    pixels = {key: pixel for key, pixel in fleet.pixels.items() if key in mapped or key not in past}
    return replace(fleet, pixels=pixels, stores=stores)


def pixels_in_ledger(workspace: Workspace, *, among: Collection[str]) -> frozenset[str]:
    """Those of the pixel ids that events or attempts refer to.

    The ledger lives in a package that this one may not import; the models know who protects whom.
    """
    return frozenset(
        pixel.pixel_id
        for pixel in workspace.pixels.filter(pixel_id__in=among)
        for relation in Pixel._meta.related_objects
        if relation.on_delete is PROTECT
        and relation.related_model._base_manager.filter(**{relation.field.name: pixel}).exists()
    )


def _mapped(stores: Iterable[StoreEntry]) -> set[str]:
    return {mapping.pixel for store in stores for mapping in store.mappings}


def _pixel(pixel: Pixel) -> PixelEntry:
    return PixelEntry(
        id=pixel.pixel_id,
        name=pixel.name,
        access_token=_secret(pixel, "access_token"),
        test_event_code=pixel.test_event_code,
        ambiguous_sends=pixel.ambiguous_sends,
        broken_reason=pixel.broken_reason,
    )


def _store(store: Store) -> StoreEntry:
    return StoreEntry(
        key=store.key,
        name=store.name,
        platform=store.platform,
        address=store.domain if store.platform == Store.Platform.SHOPIFY else store.url,
        secrets={
            name: _secret(store, name)
            for name in STORE_SECRETS[store.platform]
            if getattr(store, name)
        },
        consent=store.consent,
        browser=store.browser,
        mappings=tuple(
            _mapping(mapping)
            for mapping in sorted(store.mappings.all(), key=lambda mapping: mapping.position)
        ),
        connected=store.connected,
        by_hand=store.by_hand,
    )


def _mapping(mapping: PixelMapping) -> MappingEntry:
    return MappingEntry(
        pixel=mapping.pixel.pixel_id,
        template=mapping.template.name if mapping.template else "",
        enabled=mapping.enabled,
        settings=mapping.settings,
    )


def _secret(row: Pixel | Store, name: str) -> SecretEntry:
    return SecretEntry(value=getattr(row, name), name=row.secret_names.get(name, ""))
