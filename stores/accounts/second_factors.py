"""The secrets of authenticator apps and recovery codes when the master key changes."""

from __future__ import annotations

from allauth.mfa.models import Authenticator

from stores.rotation import Column, Resealed
from stores.secrets import CannotOpen, master

PURPOSE = "second-factor"
COLUMN = Column("mfa_authenticator", "data", PURPOSE)
_NAMES = ("secret", "seed")


def reseal_second_factors() -> Resealed:
    """Seal anew what the first key has not sealed."""
    resealed = lost = 0
    for row in Authenticator.objects.order_by("pk").iterator(chunk_size=500):
        try:
            data = row.data | {
                name: _anew(row.data[name]) for name in _NAMES if _is_old(row.data.get(name))
            }
        except CannotOpen:
            lost += 1
            continue
        if data != row.data:
            resealed += Authenticator.objects.filter(pk=row.pk, data=row.data).update(data=data)
    return Resealed(column=COLUMN, resealed=resealed, lost=lost)


def _is_old(value: object) -> bool:
    return isinstance(value, str) and not value.startswith(master().mark.hex())


def _anew(value: str) -> str:
    plain = master().open(bytes.fromhex(value), purpose=PURPOSE)
    return master().seal(plain, purpose=PURPOSE).hex()
