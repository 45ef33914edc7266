"""A year of other people's orders: tenants, and a ledger of as many rows as are asked for.

Rows are made where they are kept (INSERT … SELECT generate_series), without their indexes, which are
built afterwards: ten million orders in minutes instead of an hour.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection

from bench.report import console
from conversions import totals
from stores.models import Membership, Pixel, PixelMapping, Store, User, Workspace

WORKSPACES, STORES_EACH = 50, 10  # and a pixel for each store
CHUNK = 1_000_000
# Meta has taken all but each fiftieth order; the newest came just now, the oldest a year ago.
MADE = """
(SELECT n, now() - interval '1 year' * (1 - n / %(rows)s::float) AS at
 FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) AS made
"""
TABLES = {
    "conversions_conversionevent": f"""
        (store_id, pixel_id, order_id, order_name, event_name, event_id, state, reason, value,
         currency, event_time, order_updated_at, received_at, not_before, cut_off, attempts,
         accepted_at, fbtrace_id, identifiers)
        SELECT %(store)s + n %% %(stores)s, %(pixel)s + n %% %(stores)s, (900000000000 + n)::text,
               '#' || n, 'Purchase', CASE WHEN n %% 50 = 0 THEN '' ELSE (900000000000 + n)::text END,
               CASE WHEN n %% 50 = 0 THEN 'skipped' ELSE 'accepted' END,
               CASE WHEN n %% 50 = 0 THEN 'cancelled' ELSE '' END, 49.90, 'EUR', at, at, at, at,
               at + interval '7 days', 1, CASE WHEN n %% 50 > 0 THEN at END, 'Abench',
               CASE WHEN n %% 50 > 0 THEN 24575 END
        FROM {MADE}
        """,
    "conversions_eventtransition": """
        (event_id, at, state, reason, attempt_id, config_version, actor)
        SELECT id, received_at, state, reason, NULL, '', '' FROM conversions_conversionevent
        WHERE id > %(after)s ORDER BY id LIMIT %(chunk)s
        """,
    "shop_webhooks_webhookdelivery": f"""
        (store_id, delivery_key, topic, received_at, not_before, state, order_id, processed_at)
        SELECT %(store)s + n %% %(stores)s, decode(md5(n::text), 'hex'), 'orders/paid', at, at,
               'recorded', (900000000000 + n)::text, at
        FROM {MADE}
        """,
}


def make_tenants() -> tuple[User, list[Store]]:
    """The tenants; a person who may see the first workspace, and its stores."""
    workspaces = Workspace.objects.bulk_create(
        Workspace(slug=f"scale-{n}", name=f"Scale {n}") for n in range(WORKSPACES)
    )
    stores = Store.objects.bulk_create(
        Store(
            workspace=workspace,
            key=f"scale-{number}",
            name=f"Store {number}",
            platform="shopify",
            domain=f"scale-{workspace.pk}-{number}.myshopify.com",
            url="https://scale.example",
        )
        for workspace in workspaces
        for number in range(STORES_EACH)
    )
    pixels = Pixel.objects.bulk_create(
        Pixel(workspace=store.workspace, pixel_id=f"77{store.pk}", access_token="EAAbench")
        for store in stores
    )
    PixelMapping.objects.bulk_create(
        PixelMapping(store=store, pixel=pixel, position=1)
        for store, pixel in zip(stores, pixels, strict=True)
    )
    person = get_user_model().objects.create(email="scale@bench.example")
    Membership.objects.create(user=person, workspace=workspaces[0], role=Membership.Role.OWNER)
    return person, stores[:STORES_EACH]


def fill(rows: int) -> None:
    """So many orders, spread over all stores of `make_tenants`."""
    first = Store.objects.get(key="scale-0", workspace__slug="scale-0")
    values: dict[str, Any] = {
        "rows": rows,
        "chunk": CHUNK,
        "stores": WORKSPACES * STORES_EACH,
        "store": first.pk,
        "pixel": first.mappings.get().pixel_id,
        "after": _one("SELECT COALESCE(max(id), 0) FROM conversions_conversionevent"),
    }
    # A replica fires no triggers: neither the trail's, whose rows are made here, nor foreign keys'.
    _run("SET session_replication_role = replica")
    _run("SET statement_timeout = 0")
    _run("SET maintenance_work_mem = '1GB'")
    for table, columns in TABLES.items():
        with _without_indexes(table):
            for done in range(0, rows, CHUNK):
                numbers = {"first": done + 1, "last": min(done + CHUNK, rows)}
                _run(f"INSERT INTO {table} {columns}", values | numbers)
                if table.endswith("transition"):
                    values["after"] += CHUNK
        console.print(f"  {table}: {rows:,} rows")
    _run("SET session_replication_role = origin")
    _run("UPDATE stores_store SET time_zone = 'Etc/UTC'")  # by which the totals are made anew
    totals.merge()
    _run("VACUUM ANALYZE")
    _run("CHECKPOINT")
    _run("RESET ALL")


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """The table without its indexes, unique ones included; they come back at the end."""
    constraints = _all(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'u'",
        [table],
    )
    for name, _ in constraints:
        _run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = _all(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisprimary",
        [table],
    )
    for name, _ in indexes:
        _run(f"DROP INDEX {name}")
    yield
    for name, definition in constraints:
        _run(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for _, definition in indexes:
        _run(definition)


def _run(statement: str, values: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _all(statement: str, values: Sequence[Any]) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _one(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])
