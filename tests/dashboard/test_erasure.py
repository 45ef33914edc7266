"""Forgotten for good: erased, certified, checked by anybody, and erased again after a restore."""

import json
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from conversions.models import ConversionEvent, EventPayload
from shop_webhooks.models import ShopNotice, Tombstone, WebhookDelivery
from stores.models import ConfigChange
from tests import factories
from tests.pipeline import a_kept_order, an_order, read_all


@pytest.fixture
def orders(acme: SimpleNamespace) -> SimpleNamespace:
    for number, email in ((1001, "zoe@example.com"), (1002, "bob@example.com")):
        a_kept_order(acme.lyon, an_order(number, email=email))
    read_all()
    return acme


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def forget(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("forget", "--store", "lyon", *words))
    return found


def written(tmp_path: Path, certificate: dict[str, Any]) -> str:
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(certificate))
    return str(file)


@pytest.mark.parametrize("words", [("--order", "1002"), ("--email", "BOB@example.com")])
def test_a_customer_is_forgotten_and_the_others_are_not(
    orders: SimpleNamespace, words: tuple[str, ...]
) -> None:
    certificate = forget(*words)

    assert certificate["orders"] == ["1002"]
    assert certificate["left"] == {"bodies": 0, "payloads": 0, "browser": 0, "owed": 0}
    assert [bool(row.body) for row in WebhookDelivery.objects.order_by("order_id")] == [True, False]
    assert list(EventPayload.objects.values_list("event__order_id", flat=True)) == ["1001"]
    assert dict(ConversionEvent.objects.values_list("order_id", "state")) == {
        "1001": "pending",
        "1002": "skipped",
    }
    assert "bob@example.com" not in json.dumps(certificate).lower()


def test_the_certificate_is_checked_without_us_and_a_changed_one_is_found_out(
    orders: SimpleNamespace, tmp_path: Path
) -> None:
    certificate = forget("--order", "1002")
    said = run("verify_erasure", written(tmp_path, certificate))
    forged = written(tmp_path, certificate | {"records": 99})

    assert "holds" in said
    with pytest.raises(CommandError, match="was changed"):
        run("verify_erasure", forged)
    with pytest.raises(CommandError, match="another key"):
        run("verify_erasure", written(tmp_path, certificate), "--key", "00" * 32)
    with pytest.raises(CommandError, match="no certificate"):
        run("verify_erasure", written(tmp_path, {"a": 1}))


def test_the_database_is_looked_at_again_and_what_came_back_is_told(
    orders: SimpleNamespace,
) -> None:
    number = str(forget("--order", "1002")["request"])
    holds = json.loads(run("verify_erasure", number, "--json"))
    WebhookDelivery.objects.filter(order_id="1002").update(body=b"it came back")

    assert holds["holds"] is True
    with pytest.raises(CommandError, match="1 bodies"):
        run("verify_erasure", number)


def test_after_a_restore_the_certificates_forget_once_more(
    orders: SimpleNamespace, tmp_path: Path
) -> None:
    bodies = dict(WebhookDelivery.objects.values_list("pk", "body"))
    certificate = written(tmp_path, forget("--order", "1002"))
    # Yesterday's backup: the body is there, the stone and the request are not.
    for pk, body in bodies.items():
        WebhookDelivery.objects.filter(pk=pk).update(body=body)
    Tombstone.objects.all().delete()
    ShopNotice.objects.all().delete()

    again = json.loads(run("forget", "--again", certificate))

    assert again == {"certificates": 1, "erased": 1}
    assert [bool(row.body) for row in WebhookDelivery.objects.order_by("order_id")] == [True, False]
    a_kept_order(orders.lyon, an_order(1002, total_price="43.00"))
    read_all()
    assert not WebhookDelivery.objects.filter(order_id="1002", body__isnull=False).exists()


def test_a_shop_that_is_forgotten_stays_so_after_a_restore_and_its_later_orders_are_left_alone(
    orders: SimpleNamespace, tmp_path: Path
) -> None:
    """What a certificate of a whole shop is about came before it."""
    notice = ShopNotice.objects.create(
        shop=orders.lyon.domain,
        topic="shop/redact",
        notice_key=b"x" * 16,
        done_at=timezone.now(),
        outcome="erased_4",
        orders=["*"],
    )
    certificate = json.loads(run("verify_erasure", str(notice.pk), "--print"))
    a_kept_order(orders.lyon, an_order(1003))
    read_all()

    again = json.loads(run("forget", "--again", written(tmp_path, certificate)))

    assert certificate["left"]["bodies"] == certificate["left"]["payloads"] == 2  # it was restored
    assert again["erased"] == 4
    assert list(EventPayload.objects.values_list("event__order_id", flat=True)) == ["1003"]
    assert json.loads(run("verify_erasure", str(notice.pk), "--json"))["holds"] is True


def test_a_certificate_is_about_its_own_store_and_no_other_of_that_domain(
    orders: SimpleNamespace, tmp_path: Path
) -> None:
    certificate = written(tmp_path, forget("--order", "1002"))
    theirs = factories.a_store(factories.a_workspace("globex"), platform="woocommerce")
    type(theirs).objects.filter(pk=theirs.pk).update(domain=orders.lyon.domain)
    factories.an_event(
        theirs, factories.a_pixel(theirs.workspace), order_id="1002", state="pending"
    )

    run("forget", "--again", certificate)

    assert ConversionEvent.objects.get(store=theirs).state == "pending"
    assert not Tombstone.objects.filter(store=theirs).exists()


def test_the_merchant_downloads_it_and_nobody_else(orders: SimpleNamespace, client: Client) -> None:
    number = forget("--order", "1002")["request"]
    path = f"/stores/{orders.lyon.pk}/privacy/{number}/certificate"
    client.force_login(factories.a_member(orders.workspace))
    page = client.get(f"/stores/{orders.lyon.pk}/privacy/").content.decode()
    mine = client.get(path)
    client.force_login(factories.a_member(orders.workspace, "rita", role="client"))
    reader = client.get(path).status_code
    client.force_login(factories.a_member(factories.a_workspace("globex"), "mallory"))

    assert path in page
    assert mine.json()["signature"]
    assert reader == 404
    assert client.get(path).status_code == 404
    other = client.get(f"/stores/{orders.kitchen.pk}/privacy/{number}/certificate")
    assert other.status_code == 404


def test_a_wish_without_a_customer_is_refused(orders: SimpleNamespace) -> None:
    with pytest.raises(CommandError, match="--order ID or --email"):
        run("forget", "--store", "lyon")


def test_who_is_shown_personal_data_is_written_down(orders: SimpleNamespace) -> None:
    run("preview", "--store", "lyon", "--order", "1001")

    [seen] = ConfigChange.objects.filter(kind="access")
    assert (seen.actor, seen.after, seen.store_id) == (
        "command preview",
        {"seen": "preview"},
        orders.lyon.pk,
    )
