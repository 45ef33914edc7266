"""The only door to plaintext secrets: seal and open, with keys that can be rotated.

AES-256-GCM. A sealed value names its key and is bound to its purpose: a value that was copied into
another column or table does not open. `FIELD_ENCRYPTION_KEYS` holds the master keys: the first
one seals, all open. Each store has a key of its own, sealed by a master key; what a store's shoppers
wrote is sealed with it, so that forgetting the key forgets them.
"""

import base64
import hashlib
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

VERSION = b"\x01"
KEY_ID_BYTES, NONCE_BYTES = 4, 12


class CannotOpen(Exception):
    """A sealed value that no key opens: wrong key, wrong place, or damaged. Says nothing of it."""


class Ring:
    """A ring of keys: the first seals, every one opens."""

    def __init__(self, *keys: bytes) -> None:
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self._first = next(iter(self._keys))

    def seal(self, plain: bytes, *, purpose: str) -> bytes:
        """`plain` as version, key id, nonce and ciphertext, bound to `purpose`."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._first].encrypt(nonce, plain, purpose.encode())
        return VERSION + self._first + nonce + sealed

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """What was sealed for `purpose`. Raises CannotOpen."""
        key_id = sealed[1 : 1 + KEY_ID_BYTES]
        nonce = sealed[1 + KEY_ID_BYTES : 1 + KEY_ID_BYTES + NONCE_BYTES]
        key = self._keys.get(key_id)
        if sealed[:1] != VERSION or key is None or len(nonce) != NONCE_BYTES:
            raise CannotOpen(f"No key on the ring opens this value ({purpose}).")
        try:
            return key.decrypt(nonce, sealed[1 + KEY_ID_BYTES + NONCE_BYTES :], purpose.encode())
        except InvalidTag as error:
            raise CannotOpen(f"This value was sealed for another place ({purpose}).") from error

    @property
    def mark(self) -> bytes:
        """How a value begins that the first key has sealed."""
        return VERSION + self._first

    def __repr__(self) -> str:
        return f"<Ring of {len(self._keys)}>"


def master() -> Ring:
    """The ring of `FIELD_ENCRYPTION_KEYS`."""
    return _master(tuple(settings.FIELD_ENCRYPTION_KEYS))


def new_store_key() -> bytes:
    """A fresh key for a store, sealed by the master ring."""
    return master().seal(os.urandom(32), purpose="store.key")


@lru_cache(maxsize=4096)
def store_ring(sealed_key: bytes) -> Ring:
    """The ring of a store, from its sealed key. Raises CannotOpen."""
    return Ring(master().open(bytes(sealed_key), purpose="store.key"))


def digest(text: str) -> str:
    """What is kept of a secret that is only ever compared: one who reads the database cannot use it."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def read_key(text: str) -> bytes:
    """The 32 bytes that `text` spells, as 64 hexadecimal or 44 URL-safe base64 characters.

    Raises ValueError, which does not repeat the text.
    """
    text = text.strip()
    try:
        key = bytes.fromhex(text) if len(text) == 64 else base64.urlsafe_b64decode(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("is neither 64 hexadecimal nor 44 base64 characters")
    return key


class Secret(str):
    """A plaintext secret: a text that does not show itself in a repr, a traceback or a log line."""

    def __repr__(self) -> str:
        return "<Secret>"


class SecretField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """A text that is sealed in the database and a `Secret` in Python; "" is stored as nothing."""

    def __init__(self, **options: Any) -> None:
        preset: dict[str, Any] = {"default": "", "blank": True, "editable": False}
        super().__init__(**(preset | options))

    def db_type(self, connection: Any) -> str:
        """Bytes, in PostgreSQL."""
        return "bytea"

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Bind the value to its table and column."""
        super().contribute_to_class(cls, name, private_only)
        self.purpose = f"{cls._meta.db_table}.{name}"

    def get_prep_value(self, value: Any) -> bytes:
        """Seal."""
        return master().seal(str(value).encode(), purpose=self.purpose) if value else b""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Secret:
        """Open. Raises CannotOpen: a wrong key must be noticed, never worked around."""
        sealed = bytes(value or b"")
        return Secret(master().open(sealed, purpose=self.purpose).decode() if sealed else "")


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"key id" + key).digest()[:KEY_ID_BYTES]


@lru_cache(maxsize=4)
def _master(keys: tuple[str, ...]) -> Ring:
    return Ring(*(read_key(key) for key in keys))
