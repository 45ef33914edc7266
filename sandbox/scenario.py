"""The story that `make demo` plays: two shops sell, the net misbehaves, and the books must agree.

Knows the product only from outside: its webhook addresses, its commands, Meta's stand-in. Exits 0 if
every order has come to a named state, nothing was lost and nothing was counted twice.
"""

import json
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests

from sandbox.orders import Story, stories
from sandbox.reckoning import BRAND, MAIN, Told, console, disagreements, missing, show
from sandbox.shops import ShopifyShop, WooCommerceStore
from sandbox.shops.delivery import Delivery

GRAPH = os.environ.get("GRAPH_URL", "")
SHOPIFY_SECRET = os.environ.get("SHOPIFY_API_SECRET", "")
TOKENS = {MAIN: "EAADemoMain" + "x" * 20, BRAND: "EAADemoBrand" + "x" * 20}
# Seconds until every order must have settled: longer than the lease of a worker that was killed.
PATIENCE = 100.0

FLEET = f"""\
version: 1
workspace: {{slug: demo, name: Demo}}
pixels:
  - {{id: "{MAIN}", name: Main, access_token: "${{DEMO_MAIN_TOKEN}}"}}
  - {{id: "{BRAND}", name: Brand, access_token: "${{DEMO_BRAND_TOKEN}}"}}
templates:
  default: {{trigger: paid, value: total, event_id: order_id, content_id: variant_id}}
stores:
  - key: lyon
    name: Boutique Lyon
    platform: shopify
    domain: demo-lyon.myshopify.com
    consent: {{policy: unless_refused, evidence: order_meta}}
    browser: {{wait: 5}}
    mappings:
      - {{pixel: "{MAIN}", template: default}}
      - {{pixel: "{BRAND}", template: default, value: total_less_tax}}
  - key: kitchen
    name: Kitchen
    platform: woocommerce
    url: http://127.0.0.1:8081
    webhook_secret: "${{DEMO_KITCHEN_SECRET}}"
    mappings:
      - {{pixel: "{MAIN}", template: default, event_id: 'template:"{{shop}}-{{order_id}}"'}}
"""


def main() -> int:
    """Play the story; 0 if all is accounted for, 1 with what is not."""
    seed = int(os.environ.get("DEMO_SEED", "1"))
    count = int(os.environ.get("DEMO_ORDERS", "50"))
    environment = os.environ | {
        "DEMO_MAIN_TOKEN": TOKENS[MAIN],
        "DEMO_BRAND_TOKEN": TOKENS[BRAND],
        "DEMO_KITCHEN_SECRET": secrets.token_urlsafe(24),
    }
    for dataset, token in TOKENS.items():
        control("datasets", {"id": dataset, "name": dataset, "tokens": [token]})
    with tempfile.TemporaryDirectory() as folder:
        fleet = Path(folder, "fleet.yaml")
        fleet.write_text(FLEET)
        manage("apply", str(fleet), environment=environment)
        console.print("Two stores and two datasets are set up; the shops begin to sell.")
        console.print("Every ninth of Lyon's shoppers says no to its banner.")
        told = sell(addresses(environment), environment, fleet, seed=seed, count=count)
    rows = settled_ledger()
    events = control_get("events")["events"]
    problems = told.unkept + missing(told, rows) + disagreements(rows, events)
    show(told, rows, problems, control_get("books")["pixels"])
    if os.environ.get("DEMO_STAYS"):
        login()
    return 1 if problems else 0


def sell(
    urls: dict[str, str], environment: dict[str, str], fleet: Path, *, seed: int, count: int
) -> Told:
    """Send every story, with redeliveries, forgeries, a 5xx spell and a token outage in between."""
    shopify = ShopifyShop("demo-lyon.myshopify.com", SHOPIFY_SECRET, urls["lyon"], seed=seed)
    kitchen = WooCommerceStore(
        "http://127.0.0.1:8081/", environment["DEMO_KITCHEN_SECRET"], urls["kitchen"]
    )
    kitchen.create_webhook("order.updated")
    told, luck, banner = Told(), random.Random(seed), Banner(environment)
    steps = list(shuffled(seed, count))
    for number, (key, story, step, is_last) in enumerate(steps):
        shop: Any = shopify if key == "lyon" else kitchen
        if number == len(steps) // 4:
            console.print("Meta answers 503 for a while …")
            control("faults", {"kind": "html", "status": 503, "times": 1})
            control("faults", {"kind": "reset_after", "times": 1})
        if number == len(steps) // 2:
            console.print("The main dataset's token expires …")
            control("tokens", {"token": TOKENS[MAIN], "state": "expired"})
        if number == 3 * len(steps) // 4:
            console.print("… and is given anew.")
            control("tokens", {"token": TOKENS[MAIN], "state": "valid"})
            manage("apply", str(fleet), environment=environment)
        if key == "lyon" and step is story.steps[0] and banner.is_refused(story):
            told.refused.add(story.order_id)
        send = partial(shop.deliver, step.topic, step.body)
        delivery = insist(partial(send, chunked=luck.random() < 0.2), told)
        told.answers[str(delivery.status)] += 1
        if delivery.status != 200:
            told.unkept.append(f"{key} {story.name}: {step.topic} was answered {delivery.status}")
        if luck.random() < 0.15:
            again = insist(partial(shop.redeliver, delivery) if key == "lyon" else send, told)
            told.answers[f"{again.status} (again)"] += 1
            if again.status != 200:
                told.unkept.append(f"{key} {story.name}: again was answered {again.status}")
        if luck.random() < 0.1:
            forged = insist(partial(send, forged=True), told)
            told.answers[f"{forged.status} (forged)"] += 1
            if forged.status != 401:
                told.unkept.append(f"{key}: a forged delivery was answered {forged.status}")
        if is_last:
            told.stories.append((key, story))
    return told


class Banner:
    """What Lyon's shoppers answer; the script in their browsers tells it before the order comes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        script = manage("browser_script", "--store", "lyon", environment=dict(environment))
        self._url = re.findall(r'"collect": "(.*)"', script)[0]
        self._asked = 0

    def is_refused(self, story: Story) -> bool:
        """Tell; every ninth says no. Whose order came by no checkout is not asked."""
        try:
            order = json.loads(story.steps[0].body)
        except ValueError:
            return False
        if not (isinstance(order, dict) and (checkout := order.get("checkout_token"))):
            return False
        self._asked += 1
        refuses, now = self._asked % 9 == 0, int(time.time() * 1000)
        told = {"checkout": checkout, "at": now}
        told |= {"marketing": "denied"} if refuses else {"marketing": "granted"}
        told |= {
            "fbp": f"fb.1.{now}.{self._asked}",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        }
        deadline = time.monotonic() + PATIENCE
        while not self._is_heard(told) and time.monotonic() < deadline:
            time.sleep(0.5)  # as the script waits, while a server is starting again
        return refuses

    def _is_heard(self, told: dict[str, Any]) -> bool:
        try:
            return requests.post(self._url, json=told, timeout=10).status_code == 204
        except requests.RequestException:
            return False


def insist(send: Callable[[], Delivery], told: Told) -> Delivery:
    """Send until it is answered with more than "not now", as a shop would over some hours."""
    deadline = time.monotonic() + PATIENCE
    while (delivery := send()).status in (None, 503) and time.monotonic() < deadline:
        told.answers[f"{delivery.status or 'no answer'} (and sent again)"] += 1
        time.sleep(0.5)
    return delivery


def shuffled(seed: int, count: int) -> Iterator[tuple[str, Story, Any, bool]]:
    """The steps of all stories, mixed; those of one story stay in their order."""
    luck, now = random.Random(seed), datetime.now(UTC)
    # Over some days, so that the pages have days to show, and no story grows too old for Meta.
    few = partial(stories, count=count // 2, seed=seed, now=now, over=timedelta(days=3))
    shopify = few(platform="shopify", currency="EUR")
    woocommerce = few(platform="woocommerce")
    told = [("lyon", story) for story in shopify] + [("kitchen", story) for story in woocommerce]
    left = [(key, story, list(story.steps)) for key, story in told]
    while left:
        key, story, steps = luck.choice(left)
        step = steps.pop(0)
        yield key, story, step, not steps
        left = [entry for entry in left if entry[2]]


def settled_ledger() -> list[dict[str, Any]]:
    """The ledger, once nothing in it is under way (or patience is over)."""
    deadline = time.monotonic() + PATIENCE
    while not is_settled() and time.monotonic() < deadline:
        time.sleep(0.2)
    rows: list[dict[str, Any]] = json.loads(manage("ledger", "--json"))["rows"]
    return rows


def is_settled() -> bool:
    """Whether every delivery is read, and every event that is owed is sent."""
    try:
        ready = requests.get(f"{os.environ['CONNECTOR_URL']}/readyz", timeout=5).json()
    except requests.RequestException:
        return False
    ages = ("oldest_unread_delivery_seconds", "oldest_unsent_event_seconds")
    return not any(ready.get(age, 1) for age in ages)


def login() -> None:
    """Make somebody who may look at the dashboard, and say how."""
    password = secrets.token_urlsafe(12)
    command = ("member", "demo@example.com", "--workspace", "demo", "--role", "owner")
    manage(*command, "--password-stdin", text=password)
    console.print(
        # The database is new: the first store of the fleet is its first.
        f"Look at it: [bold]{os.environ['CONNECTOR_URL']}/stores/1/[/]"
        f" – log in as [bold]demo@example.com[/] with [bold]{password}[/]"
    )


def addresses(environment: dict[str, str]) -> dict[str, str]:
    """Each store's webhook address."""
    fleet = json.loads(manage("export", "--json", environment=environment))
    return {store["key"]: store["webhook_url"] for store in fleet["stores"]}


def manage(*words: str, environment: dict[str, str] | None = None, text: str = "") -> str:
    """Run one of the product's commands; returns what it printed, or ends the story with it.

    While the database is starting again, it is asked again.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            env=environment or dict(os.environ),
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if "does not answer" not in done.stderr or time.monotonic() > deadline:
            break
    if done.returncode:
        sys.exit(f"manage.py {words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def control(door: str, wish: dict[str, Any]) -> None:
    """Tell Meta's stand-in how to behave."""
    requests.post(f"{GRAPH}/_sandbox/{door}", json=wish, timeout=10).raise_for_status()


def control_get(door: str) -> dict[str, Any]:
    """Read the books of Meta's stand-in."""
    answer = requests.get(f"{GRAPH}/_sandbox/{door}", timeout=10)
    answer.raise_for_status()
    return answer.json()  # type: ignore[no-any-return]  # JSON is anything


if __name__ == "__main__":
    sys.exit(main())
