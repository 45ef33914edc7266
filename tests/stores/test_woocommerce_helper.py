"""The plug-in for WooCommerce shops, run by PHP: what it notes on an order, and by whose word."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.wordpress import PHP, WordPress
from stores.browser.helper import PLUGIN, helper_zip, settings_file

pytestmark = pytest.mark.skipif(not PHP, reason="there is no PHP")
FBP, FBC = "fb.1.1782900000000.1098115397", "fb.1.1782900000000.IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQv"
SETTINGS = {
    "shop": "l'été \\ </script>",
    "pixels": [{"pixel": "1234567890123", "event_id": "{shop}-{order_id}"}],
    "pixel_url": "https://www.facebook.com/tr/",
    "collect": "https://connector.example/collect/key/",
    "shop_url": "https://kitchen.example",
}
ORDER = {"id": 1001, "order_key": "wc_order_k1", "total": "42.50", "currency": "EUR"}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WordPress]]:
    """A shop that asks, one that need not, and one where nothing asks."""
    made = {
        kind: WordPress(plugin=PLUGIN, folder=tmp_path_factory.mktemp("orders"), consent_type=kind)
        for kind in ("optin", "optout", "")
    }
    for shop in made.values():
        shop.__enter__()
    yield made
    for shop in made.values():
        shop.__exit__(None, None, None)
        assert shop.complaints() == []


def buy(shop: WordPress, cookies: dict[str, str], *, block: bool = False) -> dict[str, str]:
    """What stands on the order that this browser has made."""
    shop.cart(ORDER)
    order = ORDER["id"]
    if block:
        url, body = "/wp-json/wc/store/v1/checkout", {"json": {"order": order}}
    else:
        url, body = "/checkout/", {"data": {"order": order}}
    answer = requests.post(
        shop.url + url, cookies=cookies, timeout=5, allow_redirects=False, **body
    )
    assert answer.status_code in (200, 303)
    noted = shop.meta(1001)
    noted.pop("_capi_consent_said", None)
    return noted


@pytest.mark.parametrize("block", [False, True], ids=["classic", "block"])
@pytest.mark.parametrize(
    ("kind", "cookies", "word"),
    [
        ("optin", {"wp_consent_marketing": "allow"}, "granted"),
        ("optin", {"wp_consent_marketing": "deny"}, "denied"),
        ("optin", {"cmplz_marketing": "allow"}, "granted"),
        ("optin", {"cmplz_marketing": "deny", "wp_consent_marketing": "allow"}, "denied"),
        ("optin", {"cookieyes-consent": "consent:yes,action:yes,advertisement:yes"}, "granted"),
        ("optin", {"cookieyes-consent": "consent:no,action:yes,advertisement:no"}, "denied"),
        ("optin", {"cookieyes-consent": "consent:no,action:,advertisement:no"}, "not_given"),
        ("optin", {"wp_consent_marketing": "perhaps"}, "not_given"),
        ("optin", {}, "not_given"),
        ("optout", {}, ""),
        ("optout", {"wp_consent_marketing": "deny"}, "denied"),
        ("", {}, ""),
        ("", {"cmplz_marketing": "deny"}, "denied"),
    ],
)
def test_both_checkouts_note_the_word_and_ids_only_where_it_is_no_no(
    shops: dict[str, WordPress], kind: str, cookies: dict[str, str], word: str, block: bool
) -> None:
    noted = buy(shops[kind], cookies | {"_fbp": FBP, "_fbc": FBC}, block=block)

    expected = {"_capi_collected": "1"}
    if word:
        expected["_capi_consent_marketing"] = word
    if word in ("granted", ""):
        expected |= {"_fbp": FBP, "_fbc": FBC}
    assert noted == expected


@pytest.mark.parametrize("fbp", ["", "zoe@example.com", "fb.1.1782900000000." + "9" * 400, "<b>"])
def test_what_is_no_id_of_a_browser_is_not_noted(shops: dict[str, WordPress], fbp: str) -> None:
    assert "_fbp" not in buy(shops[""], {"_fbp": fbp})


def test_the_proof_says_when_and_by_which_plug_in(shops: dict[str, WordPress]) -> None:
    buy(shops["optin"], {"wp_consent_marketing": "allow", "cmplz_marketing": "deny"})

    moment, _space, by = shops["optin"].meta(1001)["_capi_consent_said"].partition(" ")

    assert (len(moment), by) == (len("2026-11-27T09:00:00Z"), "cmplz_marketing")


class TestAWordThatComesLater:
    def say(self, shop: WordPress, **changes: Any) -> int:
        word = {"order": 1001, "key": "wc_order_k1", "marketing": "granted", "fbp": FBP} | changes
        url = f"{shop.url}/wp-json/connector/v1/visit"
        return requests.post(url, json=word, timeout=5).status_code

    def test_a_yes_brings_the_ids(self, shops: dict[str, WordPress]) -> None:
        buy(shops["optin"], {"_fbp": FBP})

        assert self.say(shops["optin"]) == 204

        noted = shops["optin"].meta(1001)
        assert (noted["_capi_consent_marketing"], noted["_fbp"]) == ("granted", FBP)

    def test_a_no_takes_them_away(self, shops: dict[str, WordPress]) -> None:
        buy(shops["optin"], {"_fbp": FBP, "wp_consent_marketing": "allow"})

        assert self.say(shops["optin"], marketing="denied") == 204

        noted = shops["optin"].meta(1001)
        assert noted["_capi_consent_marketing"] == "denied"
        assert "_fbp" not in noted

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"key": "wc_order_k2"}, 404),
            ({"key": ["wc_order_k1"]}, 404),
            ({"key": None}, 404),
            ({"order": 1002}, 404),
            ({"order": "../1001"}, 404),
            ({"marketing": "perhaps"}, 400),
            ({"marketing": ["granted"]}, 400),
        ],
    )
    def test_a_stranger_changes_nothing(
        self, shops: dict[str, WordPress], changes: dict[str, Any], status: int
    ) -> None:
        noted = buy(shops["optin"], {})

        assert self.say(shops["optin"], **changes) == status

        assert shops["optin"].meta(1001).items() >= noted.items()
        assert shops["optin"].meta(1001)["_capi_consent_marketing"] == "not_given"


class TestTheZip:
    def test_wordpress_finds_the_plug_in_in_a_folder_of_its_name(self) -> None:
        with zipfile.ZipFile(io.BytesIO(helper_zip())) as archive:
            assert archive.namelist() == ["connector-helper/connector-helper.php"]
            assert archive.testzip() is None

    def test_it_is_small_and_always_the_same(self) -> None:
        assert len(helper_zip()) < 20_000
        assert helper_zip(SETTINGS) == helper_zip(SETTINGS)

    def test_its_settings_are_what_php_reads_and_nothing_secret(self, tmp_path: Path) -> None:
        (tmp_path / "settings.php").write_text(settings_file(SETTINGS))

        read = subprocess.run(
            [PHP, "-r", f"echo json_encode(include '{tmp_path}/settings.php');"],
            capture_output=True,
            check=True,
            text=True,
        )

        kept = ("shop", "pixels", "pixel_url")
        assert json.loads(read.stdout) == {key: SETTINGS[key] for key in kept}

    def test_make_writes_it(self, tmp_path: Path) -> None:
        file = tmp_path / "dist" / "helper.zip"

        subprocess.run([sys.executable, "-m", "stores.browser.helper", str(file)], check=True)

        assert file.read_bytes() == helper_zip()

    def test_php_finds_no_mistake_in_it(self) -> None:
        checked = subprocess.run(
            [PHP, "-l", str(PLUGIN)], capture_output=True, text=True, check=False
        )

        assert (checked.returncode, checked.stderr) == (0, "")
