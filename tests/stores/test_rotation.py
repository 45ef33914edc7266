"""A new encryption key: sealed anew while orders come and go, and the old key can be taken away."""

import json
import secrets
import threading
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import connections

from conversions.models import ConversionEvent
from sandbox.graph_api import GraphApi
from stores.models import Pixel, Store
from stores.secrets import CannotOpen, SecretField, master
from tests import factories
from tests.pipeline import (
    STORE_SECRET,
    an_order,
    post_to_shopify_door,
    post_to_woocommerce_door,
    read_all,
    send_all,
)


@pytest.fixture
def new_key(settings: Any) -> str:
    """A second key; the next test's ring is the old one again."""
    return secrets.token_hex(32)


def rotate() -> dict[str, Any]:
    out = StringIO()
    call_command("rotate_keys", "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_afterwards_the_old_key_is_not_needed(
    acme: SimpleNamespace, settings: Any, new_key: str
) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS
    user = factories.a_user()
    sealed = master().seal(b"JBSWY3DP", purpose="second-factor").hex()
    Authenticator.objects.create(user=user, type="totp", data={"secret": sealed})
    post_to_shopify_door(an_order(1001), store=acme.lyon)
    settings.FIELD_ENCRYPTION_KEYS = [new_key, *old]

    first, second = rotate(), rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new_key]

    assert first["resealed"] > 4
    assert (second["resealed"], second["lost"]) == (0, 0)
    assert Pixel.objects.get().access_token == "EAA-acme"
    assert Store.objects.get(key="kitchen").webhook_secret == STORE_SECRET
    data = bytes.fromhex(Authenticator.objects.get().data["secret"])
    assert master().open(data, purpose="second-factor") == b"JBSWY3DP"
    read_all()
    assert ConversionEvent.objects.get().state == "pending"


def test_a_value_that_no_key_opens_is_counted_and_left(
    acme: SimpleNamespace, settings: Any, new_key: str
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [new_key]

    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rotate_keys", "--json", stdout=out)

    assert json.loads(out.getvalue())["lost"] > 0
    with pytest.raises(CannotOpen):
        Pixel.objects.get()


def test_under_load_no_order_is_refused_lost_or_sent_twice(
    acme: SimpleNamespace, meta: GraphApi, settings: Any, new_key: str
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [new_key, *settings.FIELD_ENCRYPTION_KEYS]
    statuses, done = [], threading.Event()

    def shops() -> None:
        number = 0
        while not done.is_set() or number < 40:
            number += 1
            statuses.append(post_to_shopify_door(an_order(number), store=acme.lyon).status_code)
            statuses.append(
                post_to_woocommerce_door(
                    b'{"id":%d}' % (100_000 + number), store=acme.kitchen
                ).status_code
            )
        connections.close_all()

    thread = threading.Thread(target=shops)
    thread.start()
    try:
        counts = [rotate()["lost"] for _time in range(5)]
    finally:
        done.set()
        thread.join()
    read_all()
    send_all(meta)

    orders = len(statuses) // 2
    assert set(statuses) == {200}
    assert counts == [0] * 5
    assert len(meta.events()) == ConversionEvent.objects.filter(state="accepted").count() == orders


def test_no_secret_column_is_forgotten() -> None:
    from django.apps import apps

    from stores.rotation import columns

    known = {(column.table, column.name) for column in columns()}
    fields = {
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SecretField)
    }
    assert fields <= known
    assert ("stores_store", "sealed_key") in known
