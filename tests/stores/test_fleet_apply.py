"""`apply` makes the database equal to the file, and `export` the file equal to the database."""

import io
import json
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from stores.models import Pixel, PixelMapping, Store, Workspace
from tests.factories import a_store, a_workspace, an_event

pytestmark = pytest.mark.django_db

EXAMPLE = (Path(__file__).parent.parent.parent / "examples" / "fleet.yaml").read_text()
SECRETS = {
    "ACME_TOKEN": "EAAtoken-of-acme",
    "LYON_ADMIN_TOKEN": "shpat_of-lyon",
    "KITCHEN_SECRET": "kitchen-signs-with-it",
    "KITCHEN_CK": "ck_of-kitchen",
    "KITCHEN_CS": "cs_of-kitchen",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch, settings):
    settings.SHOPIFY_API_SECRET = "of the app"
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def apply(tmp_path):
    def run(text, *options):
        path = tmp_path / "fleet.yaml"
        path.write_text(text)
        out = io.StringIO()
        call_command("apply", path, *options, stdout=out)
        return out.getvalue()

    return run


def export(*options):
    out = io.StringIO()
    call_command("export", *options, stdout=out)
    return out.getvalue()


def test_the_first_apply_makes_everything(apply):
    said = apply(EXAMPLE)

    kitchen, lyon = Store.objects.order_by("key")
    mapping = kitchen.mappings.get()
    assert said.splitlines() == [
        "+ workspace acme (Acme Agency)",
        "+ pixel 1234567890123 (Main)",
        "+ template default",
        "+ store lyon (Shopify, boutique-lyon.myshopify.com)",
        "+ store kitchen (WooCommerce, https://kitchen.example)",
        "5 changes applied",
    ]
    assert (lyon.domain, lyon.url) == (
        "boutique-lyon.myshopify.com",
        "https://boutique-lyon.myshopify.com",
    )
    assert (kitchen.domain, kitchen.webhook_secret) == ("kitchen.example", "kitchen-signs-with-it")
    assert mapping.pixel.access_token == "EAAtoken-of-acme"
    assert (mapping.rules().trigger, mapping.rules().content_id) == ("paid", "sku")


def test_a_second_apply_changes_nothing_and_says_so(apply):
    apply(EXAMPLE)
    rows = list(PixelMapping.objects.values())

    said = apply(EXAMPLE)

    assert said == "nothing to change\n"
    assert list(PixelMapping.objects.values()) == rows


def test_a_plan_changes_nothing(apply):
    said = apply(EXAMPLE, "--plan")

    assert said.splitlines()[-1] == "5 changes planned"
    assert Workspace.objects.count() == Store.objects.count() == 0


def test_export_apply_export_is_the_same_to_the_byte(apply):
    apply(EXAMPLE)
    exported = export()

    said = apply(exported)

    assert said == "nothing to change\n"
    assert export() == exported


def test_what_is_asked_of_buyers_survives_the_round(apply):
    asks = "consent: {policy: required, regions: [EEA, GB], evidence: order_meta}"
    said = apply(EXAMPLE.replace("    mappings:", f"    {asks}\n    mappings:", 1))

    assert "5 changes applied" in said
    assert Store.objects.exclude(consent={}).get().consent["regions"] == ["EEA", "GB"]
    assert f"    {asks}\n" in export()
    assert apply(export()) == "nothing to change\n"
    assert "consent" in apply(EXAMPLE, "--plan")


def test_the_script_for_browsers_survives_the_round_and_keeps_its_key(apply):
    says = EXAMPLE.replace("    mappings:", "    browser: {wait: 30}\n    mappings:", 1)
    apply(says)
    key = Store.objects.exclude(browser={}).get().collect_key

    assert "    browser: {wait: 30, purchase: false}\n" in export()
    assert apply(export()) == "nothing to change\n"
    apply(EXAMPLE)
    apply(says)
    assert len(key) == 22
    assert Store.objects.exclude(browser={}).get().collect_key == key


def test_no_secret_is_ever_printed(apply, monkeypatch):
    said = apply(EXAMPLE) + export() + export("--json")
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, f"{secret}-changed")
    said += apply(EXAMPLE, "--plan") + apply(EXAMPLE, "--json")

    assert [secret for secret in SECRETS.values() if secret in said] == []


def test_the_json_of_an_apply_is_one_document(apply):
    apply(EXAMPLE)

    document = json.loads(apply(EXAMPLE.replace("name: Main", "name: Other"), "--plan", "--json"))

    assert document == {
        "changes": [
            {
                "action": "change",
                "kind": "pixel",
                "key": "1234567890123",
                "title": "",
                "fields": {"name": {"from": "Main", "to": "Other"}},
            }
        ],
        "applied": False,
        "warnings": [],
    }


def test_exported_json_names_each_webhook_address(apply, settings):
    settings.APP_URL = "https://connector.example"
    apply(EXAMPLE)

    kitchen, lyon = json.loads(export("--json"))["stores"]

    token = Store.objects.get(key="kitchen").webhook_token
    assert kitchen["webhook_url"] == f"https://connector.example/webhooks/woocommerce/{token}/"
    assert lyon["webhook_url"] == "https://connector.example/webhooks/shopify/"
    assert kitchen["webhook_secret"] == "${KITCHEN_SECRET}"


def test_a_store_that_the_file_lacks_is_disconnected_and_comes_back(apply):
    apply(EXAMPLE)
    without = EXAMPLE[: EXAMPLE.index("  - key: kitchen")]

    said = apply(without)
    kitchen = Store.objects.get(key="kitchen")
    back = apply(EXAMPLE)

    assert said.splitlines()[0] == "- store kitchen: disconnected; its ledger stays"
    assert kitchen.connected is False
    assert kitchen.mappings.get().rules().trigger == "paid"
    assert back.splitlines()[0].endswith("connected false → true")
    assert Store.objects.get(key="kitchen").webhook_token == kitchen.webhook_token


def test_a_store_that_was_connected_on_screen_stays_until_a_file_has_known_it(apply):
    apply(EXAMPLE)
    without = EXAMPLE[: EXAMPLE.index("  - key: kitchen")]
    Store.objects.filter(key="kitchen").update(by_hand=True)

    left_alone = apply(without)
    still_there = Store.objects.get(key="kitchen").connected
    apply(EXAMPLE)
    disconnected = apply(without)

    warning = (
        "! store kitchen was connected on screen and is not in the file; it stays as it is, and"
        " export writes it"
    )
    assert left_alone.splitlines() == [warning, "nothing to change"]
    assert still_there
    assert disconnected.splitlines()[0] == "- store kitchen: disconnected; its ledger stays"


def test_what_nobody_uses_any_more_is_removed(apply):
    apply(EXAMPLE)
    bare = "version: 1\nworkspace: {slug: acme, name: Acme Agency}\n"
    Store.objects.all().delete()

    said = apply(bare)

    assert said.splitlines() == [
        "- pixel 1234567890123",
        "- template default",
        "2 changes applied",
    ]
    assert export() == (
        "version: 1\nworkspace:\n  slug: acme\n  name: Acme Agency\n"
        "pixels: []\ntemplates: {}\nstores: []\n"
    )


def test_a_pixel_that_the_ledger_knows_stays_and_is_not_exported(apply):
    apply(EXAMPLE)
    an_event(Store.objects.get(key="lyon"), Pixel.objects.get())
    PixelMapping.objects.all().delete()
    other = EXAMPLE.replace('"1234567890123"', '"99999"')

    said = apply(other)

    warning = (
        "! pixel 1234567890123 is not in the file; it stays because earlier orders or a disconnected"
        " store refer to it, and no store sends to it"
    )
    assert said.splitlines()[-2] == warning
    assert apply(other).splitlines() == [warning, "nothing to change"]
    assert Pixel.objects.get(pixel_id="1234567890123").access_token == "EAAtoken-of-acme"
    assert re.findall(r'- id: "(\d+)"', export()) == ["99999"]


def test_a_new_webhook_secret_leaves_the_old_one_in_force_for_a_while(apply, monkeypatch):
    apply(EXAMPLE)
    monkeypatch.setenv("KITCHEN_SECRET", "a new one")

    said = apply(EXAMPLE)

    kitchen = Store.objects.get(key="kitchen")
    assert said.splitlines()[0] == "~ store kitchen: webhook_secret (changed)"
    assert kitchen.webhook_secret == "a new one"
    assert kitchen.webhook_secret_previous == "kitchen-signs-with-it"


def test_an_apply_has_a_paused_pixel_tried_again(apply):
    apply(EXAMPLE)
    Pixel.objects.update(broken_reason="token_expired", broken_at=timezone.now())

    said = apply(EXAMPLE)

    pixel = Pixel.objects.get()
    assert said.splitlines()[0] == (
        '~ pixel 1234567890123: broken_reason "token_expired" → nothing'
    )
    assert (pixel.broken_reason, pixel.broken_at) == ("", None)


def test_a_test_code_ends_by_itself_and_the_same_code_is_not_renewed(apply):
    coded = EXAMPLE.replace("test_event_code: null", "test_event_code: TEST1")
    before = timezone.now()

    apply(coded)
    until = Pixel.objects.get().test_event_code_until
    Pixel.objects.update(test_event_code_until=before)
    again = apply(coded)

    assert timedelta(hours=24) <= until - before < timedelta(hours=24, minutes=1)
    assert again == "nothing to change\n"
    assert Pixel.objects.get().test_event_code_until == before


def test_a_mapping_that_stays_in_its_place_stays_the_same_row(apply):
    apply(EXAMPLE)
    before = Store.objects.get(key="lyon").mappings.get()
    more = EXAMPLE.replace(
        "        template: default\n\n",
        '        template: default\n        trigger: created\n      - pixel: "1234567890123"\n\n',
    )

    said = apply(more)

    first, second = Store.objects.get(key="lyon").mappings.order_by("position")
    assert said.splitlines()[0] == (
        '~ store lyon: mappings[0] {"pixel":"1234567890123","template":"default"} →'
        ' {"pixel":"1234567890123","template":"default","trigger":"created"},'
        ' mappings[1] nothing → {"pixel":"1234567890123"}'
    )
    assert (first.pk, first.settings) == (before.pk, {"trigger": "created"})
    assert (second.position, second.settings) == (1, {})


def test_a_shop_of_another_workspace_is_refused_by_its_domain(apply):
    a_store(a_workspace("other-agency"), domain="boutique-lyon.myshopify.com")

    with pytest.raises(CommandError) as caught:
        apply(EXAMPLE)

    assert caught.value.returncode == 2
    assert str(caught.value) == (
        "Nothing was applied.\n  store lyon: boutique-lyon.myshopify.com is connected in another"
        " workspace already (line 23)"
    )
    assert Workspace.objects.count() == 1


def test_two_stores_that_swap_their_shops_do_not_get_each_others(apply):
    paris = EXAMPLE.replace("key: kitchen", "key: paris").replace("woocommerce", "shopify")
    paris = re.sub(r"\n    url:.*\n.*\n.*\n.*", "\n    domain: paris.myshopify.com", paris)
    apply(paris)
    domains = {"boutique-lyon.my": "paris.my", "paris.my": "boutique-lyon.my"}
    swapped = re.sub("|".join(domains), lambda found: domains[found[0]], paris)

    with pytest.raises(CommandError) as caught:
        apply(swapped)

    assert (str(caught.value), caught.value.returncode) == (
        "Store lyon: paris.myshopify.com is connected as another store. The stores before it in the"
        " file are applied.",
        1,
    )
    assert Store.objects.get(key="lyon").domain == "boutique-lyon.myshopify.com"


def test_a_store_keeps_its_platform(apply):
    a_store(a_workspace("acme"), key="kitchen")

    with pytest.raises(CommandError, match="store kitchen: is a shopify store, and its ledger"):
        apply(EXAMPLE)


def test_a_bad_file_is_bad_usage(apply):
    with pytest.raises(CommandError) as caught:
        apply("version: 1\n")

    assert caught.value.returncode == 2
    assert str(caught.value) == "Nothing was applied.\n  workspace: is missing (line 1)"


def test_programs_are_told_of_a_bad_file_too(tmp_path):
    path, out = tmp_path / "fleet.yaml", io.StringIO()
    path.write_text("version: 1")

    with pytest.raises(CommandError):
        call_command("apply", path, "--json", stdout=out)

    assert json.loads(out.getvalue()) == {
        "changes": [],
        "applied": False,
        "warnings": [],
        "errors": ["workspace: is missing (line 1)"],
    }


def test_a_file_can_come_by_standard_input(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(EXAMPLE.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)

    call_command("apply", "-", stdout=io.StringIO())

    assert Store.objects.count() == 2


@pytest.mark.parametrize("path", ["no-such-file.yaml", "."])
def test_a_file_that_cannot_be_read_is_bad_usage(path):
    with pytest.raises(CommandError, match="cannot be read") as caught:
        call_command("apply", path)

    assert caught.value.returncode == 2


def test_with_several_workspaces_export_asks_which(apply):
    apply(EXAMPLE)
    a_workspace("other")

    with pytest.raises(CommandError) as caught:
        export()

    assert str(caught.value) == "Give --workspace. The workspaces here: acme, other."
    assert caught.value.returncode == 2
    assert export("--workspace", "other").splitlines()[2] == "  slug: other"


def test_an_export_of_many_stores_needs_no_more_queries(apply, django_assert_num_queries):
    apply(EXAMPLE)

    with django_assert_num_queries(7):
        export()

    for number in range(3):
        a_store(Workspace.objects.get(), key=f"more-{number}")
    with django_assert_num_queries(7):
        export()


def test_a_plan_needs_no_more_queries_for_more_stores(apply, django_assert_num_queries):
    head, store = EXAMPLE.split("stores:\n")[0], EXAMPLE[EXAMPLE.index("  - key: kitchen") :]
    stores = [store.replace("kitchen", f"kitchen-{number}") for number in range(3)]
    one, three = (head + "stores:\n" + "".join(stores[:count]) for count in (1, 3))

    apply(one)
    with django_assert_num_queries(7):
        apply(one, "--plan")

    apply(three)
    with django_assert_num_queries(7):
        apply(three, "--plan")


def test_what_becomes_of_a_send_without_an_answer_is_the_pixels_choice(apply):
    apply(EXAMPLE.replace("ambiguous_sends: resend", "ambiguous_sends: hold"))

    assert Pixel.objects.get().ambiguous_sends == "hold"
    assert "ambiguous_sends: hold" in export()
