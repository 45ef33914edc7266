"""A new master key: what the others have sealed is sealed anew with it, while everything goes on."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connection
from msgspec import Struct

from stores.models import Store
from stores.secrets import CannotOpen, SecretField, master
from stores.sql import rows, run

AT_ONCE = 500


class Column(Struct, frozen=True):
    """A column that holds what a master key has sealed for `purpose`."""

    table: str
    name: str
    purpose: str
    key: str = "id"


class Resealed(Struct, frozen=True, kw_only=True):
    """What became of a column: `lost` are values that no key on the ring opens."""

    column: Column
    resealed: int
    lost: int


def columns() -> list[Column]:
    """Every secret column of every model, and the keys of the stores."""
    found = [
        Column(model._meta.db_table, str(field.column), field.purpose, str(model._meta.pk.column))
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, SecretField)
    ]
    return [Column(Store._meta.db_table, "sealed_key", "store.key"), *found]


def reseal(column: Column) -> Resealed:
    """Seal anew what the first key has not sealed. A value that changes meanwhile is left as it is:
    whoever wrote it has sealed it with a key of today.

    May be stopped and run again at any time.
    """
    counts = {"resealed": 0, "lost": 0}
    for key, sealed in _old(column):
        try:
            plain = master().open(sealed, purpose=column.purpose)
        except CannotOpen:
            counts["lost"] += 1
            continue
        anew = master().seal(plain, purpose=column.purpose)
        counts["resealed"] += run(_replace(column), [anew, key, sealed])
    return Resealed(column=column, **counts)


def _old(column: Column) -> Iterator[tuple[int, bytes]]:
    table, name, key = map(connection.ops.quote_name, (column.table, column.name, column.key))
    sql = (
        f"SELECT {key}, {name} FROM {table} WHERE {key} > %s AND length({name}) > 0"
        f" AND substring({name} from 1 for %s) <> %s ORDER BY {key} LIMIT %s"
    )
    last = 0
    while found := rows(sql, [last, len(master().mark), master().mark, AT_ONCE]):
        for number, sealed in found:
            yield number, bytes(sealed)
            last = number


def _replace(column: Column) -> str:
    table, name, key = map(connection.ops.quote_name, (column.table, column.name, column.key))
    return f"UPDATE {table} SET {name} = %s WHERE {key} = %s AND {name} = %s"
