"""What the doctor says of a store's shop: what its heartbeat and its sweep have met with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.findings import FAILURE, FINE, WARNING, Finding, span_in_words
from dashboard.reasons import in_words
from shop_webhooks.models import Heartbeat, Sweep
from stores.models import Store
from stores.shop_words import ADVICE, FIXES

# Each turn comes every few minutes: what is older waits for workers that do not run.
MAY_REST = timedelta(minutes=30)


def shop_findings(store: Store, *, about: str, now: datetime) -> Iterator[Finding]:
    """Its key, its webhooks, what was read back, and what else runs there; no shop is asked."""
    sweep = Sweep.objects.filter(store=store).first()
    if store.platform == Store.Platform.SHOPIFY:
        if sweep:
            yield _turn(sweep, about, now, doing="reading back", well="up to date")
        return
    if not store.consumer_key:
        what = "what its webhooks miss cannot be read back: there is no key to the shop"
        yield Finding(level=WARNING, about=about, what=what, fix=str(FIXES["no_key"]))
        return
    heartbeat = Heartbeat.objects.filter(store=store).first()
    yield _turn(heartbeat, about, now, doing="webhooks", well="in place")
    yield _turn(sweep, about, now, doing="reading back", well="up to date")
    for plugin in heartbeat.facts.get("plugins", ()) if heartbeat else ():
        if plugin["sends"]:
            yield Finding(
                level=WARNING,
                about=about,
                what=f"{plugin['name']} {plugin['version']} is active in the shop",
                fix=str(ADVICE.get(plugin["advice"], "")),
            )
    if heartbeat and heartbeat.facts.get("runs_cron") is False:
        what = "WP-Cron is switched off in the shop: its webhooks leave only if the host runs it"
        fix = "have the host run wp-cron.php every minute"
        yield Finding(level=WARNING, about=about, what=what, fix=fix)


def _turn(
    turn: Heartbeat | Sweep | None, about: str, now: datetime, *, doing: str, well: str
) -> Finding:
    if turn and turn.reason:
        fix = str(FIXES.get(turn.reason, ""))
        # Orders are read back meanwhile.
        level = WARNING if turn.reason in ("webhook_paused", "webhook_unheard") else FAILURE
        return Finding(level=level, about=about, what=f"{doing}: {in_words(turn.reason)}", fix=fix)
    fix = "start a worker: it looks every few minutes"
    if turn is None or turn.done_at is None:
        return Finding(level=WARNING, about=about, what=f"{doing}: not looked at yet", fix=fix)
    age = span_in_words(now - turn.done_at)
    if now - turn.done_at > MAY_REST:
        what = f"{doing}: last looked at {age} ago"
        return Finding(level=FAILURE, about=about, what=what, fix=fix)
    return Finding(level=FINE, about=about, what=f"{doing}: {well}, seen {age} ago")
