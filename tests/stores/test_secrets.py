"""The only door to plaintext: sealed well, opened in its place alone, shown to nobody."""

import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from stores.models import Pixel, Store
from stores.secrets import CannotOpen, Ring, Secret, new_store_key, read_key, store_ring
from tests.factories import a_pixel, a_store
from tests.pipeline import a_kept_order, an_order, read_all

KEYS = [bytes([number]) * 32 for number in range(3)]


class TestRing:
    @given(plain=st.binary(), purpose=st.text())
    def test_what_is_sealed_opens_for_its_purpose(self, plain: bytes, purpose: str) -> None:
        ring = Ring(KEYS[0])

        assert ring.open(ring.seal(plain, purpose=purpose), purpose=purpose) == plain

    def test_the_same_text_is_never_sealed_the_same(self) -> None:
        ring = Ring(KEYS[0])

        assert ring.seal(b"secret", purpose="a") != ring.seal(b"secret", purpose="a")

    def test_it_does_not_open_in_another_place(self) -> None:
        ring = Ring(KEYS[0])

        with pytest.raises(CannotOpen):
            ring.open(ring.seal(b"secret", purpose="a"), purpose="b")

    def test_another_key_does_not_open_it(self) -> None:
        sealed = Ring(KEYS[0]).seal(b"secret", purpose="a")

        with pytest.raises(CannotOpen):
            Ring(KEYS[1]).open(sealed, purpose="a")

    @pytest.mark.parametrize("place", range(0, 39, 3))
    def test_a_single_damaged_bit_keeps_it_shut(self, place: int) -> None:
        ring = Ring(KEYS[0])
        sealed = bytearray(ring.seal(b"secret", purpose="a"))
        sealed[place] ^= 1

        with pytest.raises(CannotOpen):
            ring.open(bytes(sealed), purpose="a")

    @given(junk=st.binary(max_size=100))
    def test_junk_does_not_open(self, junk: bytes) -> None:
        with pytest.raises(CannotOpen):
            Ring(KEYS[0]).open(junk, purpose="a")

    def test_the_first_key_seals_and_all_open(self) -> None:
        old = Ring(KEYS[0]).seal(b"old", purpose="a")
        rotating = Ring(KEYS[1], KEYS[0])

        new = rotating.seal(b"new", purpose="a")

        assert rotating.open(old, purpose="a") == b"old"
        assert Ring(KEYS[1]).open(new, purpose="a") == b"new"

    def test_neither_its_repr_nor_its_errors_show_a_secret(self) -> None:
        ring = Ring(KEYS[0])

        with pytest.raises(CannotOpen) as raised:
            ring.open(ring.seal(b"top secret", purpose="a"), purpose="b")

        shown = f"{ring!r} {raised.value}"
        assert [word for word in ("top secret", KEYS[0].hex()) if word in shown] == []


class TestKeys:
    @pytest.mark.parametrize("text", ["ab" * 32, " " + "AB" * 32 + "\n", "A" * 43 + "="])
    def test_thirty_two_bytes_can_be_spelt_two_ways(self, text: str) -> None:
        assert len(read_key(text)) == 32

    @pytest.mark.parametrize("text", ["", "secret", "ab" * 31, "zz" * 32, "A" * 40, "é" * 64])
    def test_anything_else_is_refused_without_being_repeated(self, text: str) -> None:
        with pytest.raises(ValueError, match="neither 64 hexadecimal nor 44 base64") as raised:
            read_key(text)

        assert text == "" or text not in str(raised.value)

    def test_a_stores_key_opens_under_a_rotated_master_key(self, settings: Any) -> None:
        settings.FIELD_ENCRYPTION_KEYS = ["ab" * 32]
        sealed_key = new_store_key()
        sealed = store_ring(sealed_key).seal(b"order", purpose="a")

        settings.FIELD_ENCRYPTION_KEYS = ["cd" * 32, "ab" * 32]
        store_ring.cache_clear()

        assert store_ring(sealed_key).open(sealed, purpose="a") == b"order"

    def test_without_its_master_key_a_stores_key_stays_shut(self, settings: Any) -> None:
        settings.FIELD_ENCRYPTION_KEYS = ["ab" * 32]
        sealed_key = new_store_key()
        settings.FIELD_ENCRYPTION_KEYS = ["cd" * 32]

        with pytest.raises(CannotOpen):
            store_ring(sealed_key)


class TestFields:
    def test_a_secret_comes_back_as_it_was(self, acme: SimpleNamespace) -> None:
        pixel = a_pixel(acme.workspace, access_token="EAA-zoë☕")

        again = Pixel.objects.get(pk=pixel.pk)

        assert (again.access_token, type(again.access_token)) == ("EAA-zoë☕", Secret)

    def test_no_secret_is_stored_as_nothing(self, acme: SimpleNamespace) -> None:
        store = a_store(acme.workspace)

        assert raw("stores_store", "access_token", store.pk) == b""
        assert Store.objects.get(pk=store.pk).access_token == ""

    def test_a_value_copied_into_another_column_does_not_open(self, acme: SimpleNamespace) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE stores_store SET access_token = webhook_secret")

        with pytest.raises(CannotOpen):
            Store.objects.get(pk=acme.kitchen.pk)

    def test_a_damaged_value_is_an_error_and_not_nothing(self, acme: SimpleNamespace) -> None:
        with connection.cursor() as cursor:
            cursor.execute(r"UPDATE stores_pixel SET access_token = '\x01'")

        with pytest.raises(CannotOpen):
            Pixel.objects.get(pk=acme.pixel.pk)

    def test_a_secret_hides_wherever_it_is_shown_by_accident(self) -> None:
        secret = Secret("EAA-top-secret")

        assert repr(secret) == "<Secret>"
        assert f"{[secret]} {{'token': {secret!r}}}" == "[<Secret>] {'token': <Secret>}"
        assert pickle.loads(pickle.dumps(secret)) == "EAA-top-secret"


def test_a_dump_of_the_database_holds_no_secret_and_no_buyer(acme: SimpleNamespace) -> None:
    planted = {name: f"planted-{name}-0123456789" for name in (
        "access_token", "webhook_secret", "webhook_secret_previous", "consumer_key",
        "consumer_secret",
    )}  # fmt: skip
    a_store(acme.workspace, key="planted", **planted)
    a_pixel(acme.workspace, access_token="planted-pixel-0123456789")
    a_kept_order(acme.lyon, an_order(email="planted.buyer@example.com", browser_ip="203.0.113.77"))
    read_all()

    dump = dump_of_every_table()

    assert b"planted" in dump  # the store's key: the dump is no empty one
    secrets = [*planted.values(), "planted-pixel", "planted.buyer", "203.0.113.77"]
    assert [secret for secret in secrets if secret.encode() in dump] == []


def raw(table: str, column: str, pk: int) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [pk])
        return bytes(cursor.fetchone()[0])


def dump_of_every_table() -> bytes:
    """What `pg_dump` would write, values in both spellings of bytes."""
    dumped = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for spelling in ("escape", "hex"):
                cursor.execute(f"SET bytea_output = '{spelling}'")
                with cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
                    dumped += [bytes(block) for block in copy]
    connection.close()
    return b"".join(dumped)
