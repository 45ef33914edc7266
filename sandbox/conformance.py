"""`make conformance`: real shops' requests through HTTP into a running stack, and what became of them.

Each captured request has a store of its own, so that none changes another's outcome. What must come
out is written in conformance_expected.txt; a file that is not named there must come to a named state,
and is shown with what it came to. Exits 1 where something differs.
"""

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from sandbox.captures import Capture, shopify_captures, woocommerce_captures
from sandbox.scenario import PATIENCE, control, control_get, is_settled, manage
from sandbox.shops.shopify import ShopifyShop
from sandbox.shops.woocommerce import signature

WOOCOMMERCE_SECRET = "wh-s3cr3t-Lekki-0123456789"  # of every capture: its INDEX says so
PIXEL, TOKEN = "1000000000009", "EAAConformance" + "x" * 20
EXPECTED = Path(__file__).with_name("conformance_expected.txt")
console = Console(width=160)


@dataclass(frozen=True)
class Outcome:
    """What a request came to, in the words of conformance_expected.txt."""

    delivery: str
    decision: str
    accepted: str


def main() -> int:
    """Replay what the folder of the argument holds; 0 if all came out as expected."""
    if len(sys.argv) != 2 or not (folder := Path(sys.argv[1], "payloads")).is_dir():
        console.print("Usage: make conformance SHARED=FOLDER (one that holds payloads/).")
        return 2
    now = datetime.now(UTC)
    captures = [
        *woocommerce_captures(folder / "woocommerce", now=now),
        *shopify_captures(folder / "shopify", now=now),
    ]
    control("datasets", {"id": PIXEL, "name": "Conformance", "tokens": [TOKEN]})
    keys = {capture.file: f"capture-{number}" for number, capture in enumerate(captures, start=1)}
    urls = set_up(captures, keys)
    answers = {
        capture.file: replay(capture, keys[capture.file], urls[keys[capture.file]])
        for capture in captures
    }
    outcomes = found(keys)
    return show(captures, answers, outcomes, expected())


def set_up(captures: Iterable[Capture], keys: dict[str, str]) -> dict[str, str]:
    """A store for each capture; returns their webhook addresses."""
    environment = os.environ | {
        "CONFORMANCE_TOKEN": TOKEN,
        "CONFORMANCE_SECRET": WOOCOMMERCE_SECRET,
    }
    event_id = {"event_id": 'template:"{shop}-{order_id}"'}
    stores = [
        {
            "key": keys[capture.file],
            "name": capture.file,
            "platform": capture.platform,
            "mappings": [{"pixel": PIXEL, **event_id}],
        }
        | (
            {"domain": f"{keys[capture.file]}.myshopify.com"}
            if capture.platform == "shopify"
            else {
                "url": f"http://127.0.0.1/{keys[capture.file]}",
                "webhook_secret": "${CONFORMANCE_SECRET}",
            }
        )
        for capture in captures
    ]
    fleet = {
        "version": 1,
        "workspace": {"slug": "conformance", "name": "Conformance"},
        "pixels": [{"id": PIXEL, "name": "Conformance", "access_token": "${CONFORMANCE_TOKEN}"}],
        "stores": stores,
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "fleet.yaml")
        file.write_text(json.dumps(fleet))  # JSON is YAML
        manage("apply", str(file), environment=environment)
    exported = json.loads(manage("export", "--workspace", "conformance", "--json"))
    return {store["key"]: store["webhook_url"] for store in exported["stores"]}


def replay(capture: Capture, key: str, url: str) -> int | None:
    """Send the capture; the status it was answered with."""
    if capture.platform == "shopify":
        secret = os.environ["SHOPIFY_API_SECRET"]
        shop = ShopifyShop(f"{key}.myshopify.com", secret, url)
        return shop.deliver(capture.topic, capture.body).status
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.putrequest("POST", address.path, skip_host=True, skip_accept_encoding=True)
    for name, value in capture.headers:
        connection.putheader(name, _header(capture, name, value, host=address.netloc))
    connection.endheaders(capture.body)
    status = connection.getresponse().status
    connection.close()
    return status


def _header(capture: Capture, name: str, value: str, *, host: str) -> str:
    """The header as it was captured, but for the host and what a change of the body changes."""
    match name.lower():
        case "host":
            return host
        case "content-length":
            return str(len(capture.body))
        case "x-wc-webhook-signature" if not capture.is_signed:
            return signature(WOOCOMMERCE_SECRET, capture.body)
    return value


def found(keys: dict[str, str]) -> dict[str, Outcome]:
    """What became of each file's request, once nothing is under way."""
    deadline = time.monotonic() + PATIENCE
    while not is_settled() and time.monotonic() < deadline:
        time.sleep(0.2)
    deliveries = {row["store"]: row for row in json.loads(manage("deliveries", "--json"))["rows"]}
    notices = {row["shop"].split(".")[0] for row in json.loads(manage("notices", "--json"))}
    ledger = {row["store"]: row for row in json.loads(manage("ledger", "--json"))["rows"]}
    events = [event["event_id"] for event in control_get("events")["events"]]
    outcomes = {}
    for file, key in keys.items():
        row = ledger.get(key)
        accepted = events.count(row["event_id"]) if row and row["event_id"] else 0
        kept = "notice" if key in notices else _words(deliveries.get(key))
        outcomes[file] = Outcome(kept, _words(row), str(accepted))
    return outcomes


def _words(row: dict[str, str] | None) -> str:
    return f"{row['state']} {row['reason']}".strip() if row else "-"


def expected() -> dict[str, Outcome]:
    """The expectations by file."""
    lines = [line for line in EXPECTED.read_text().splitlines() if line and line[0] != "#"]
    pairs = (line.split(": ", 1) for line in lines)
    return {file: Outcome(*words.split(" | ")) for file, words in pairs}


def show(
    captures: list[Capture],
    answers: dict[str, int | None],
    outcomes: dict[str, Outcome],
    wanted: dict[str, Outcome],
) -> int:
    """Print the table; 1 if a row is not what was expected."""
    table = Table("File", "Answer", "Delivery", "Decision", "Accepted", "")
    differing = 0
    for capture in captures:
        outcome = outcomes[capture.file]
        want = wanted.get(capture.file)
        is_right = answers[capture.file] == 200 and (
            outcome == want if want else outcome.delivery not in ("received", "-")
        )
        differing += not is_right
        table.add_row(
            capture.file,
            str(answers[capture.file]),
            outcome.delivery,
            outcome.decision,
            outcome.accepted,
            ("✔" if want else "not in the list") if is_right else f"✘ expected {want}",
        )
    for file in sorted(wanted.keys() - outcomes.keys()):
        differing += 1
        table.add_row(file, "", "", "", "", "✘ is in the list and not in the folder")
    console.print(table)
    console.print(f"{len(captures) - differing} of {len(captures)} requests came out as expected.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
