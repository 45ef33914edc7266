"""What is wrong with this installation and its stores: one finding for each thing looked at.

Asks the settings, the database, the broker, and the Shopify shops that have our app; not Meta. Of the
others it tells what the heartbeat and the sweep have met with.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from celery import current_app
from django.conf import settings
from django.core import checks
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from conversions.models import ConversionEvent, State
from dashboard.audit.sealing import broken_at
from dashboard.findings import FAILURE, FINE, WARNING, Finding, span_in_words
from dashboard.models import AuditChain
from dashboard.shop_findings import shop_findings
from purchases.mapping import RulesError
from shop_webhooks.models import WebhookDelivery
from stores.broker import eviction
from stores.commands import find_stores
from stores.models import Pixel, PixelMapping, Store
from stores.secrets import CannotOpen, store_ring
from stores.shopify.audit import shop_troubles

# The end of each version's life, None where Meta has not named it yet.
# https://developers.facebook.com/docs/graph-api/changelog
GRAPH_VERSIONS = {
    "v21.0": date(2027, 1, 21),
    "v22.0": date(2027, 5, 20),
    "v23.0": date(2027, 10, 8),
    "v24.0": date(2028, 2, 18),
    "v25.0": date(2028, 7, 29),
    "v26.0": None,
}
TOLD_BEFORE = timedelta(days=90)
# The sweeps take seconds: rows that are older wait for workers that do not run.
MAY_WAIT = timedelta(minutes=2)

DURABLE = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"


def examine(*, store: str | None, now: datetime) -> Iterator[Finding]:
    """Everything that can be looked at; `store` is the key of the only store to look at."""
    yield from _settings()
    yield graph_version(today=now.date())
    yield _broker()
    try:
        yield from _database()
        stores = _stores(store)
        yield _encryption()
        yield _audit()
        yield from _backlog(now)
        for row in stores:
            yield from _store(row, now)
        for pixel in _pixels(stores, of_all=store is None):
            yield _pixel(pixel, now)
    except CannotOpen:
        yield Finding(
            level=FAILURE,
            about="secrets",
            what="no key of FIELD_ENCRYPTION_KEYS opens what is in the database",
            fix="put the key that sealed it back into FIELD_ENCRYPTION_KEYS",
        )
    except Error as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        yield Finding(
            level=FAILURE,
            about="database",
            what=f"does not answer as it should: {reason}",
            fix="check DATABASE_URL, that the server runs, and run migrate",
        )


def _settings() -> Iterator[Finding]:
    found = [message for message in checks.run_checks() if not message.is_silenced()]
    for message in found:
        yield Finding(
            level=FAILURE if message.level >= checks.ERROR else WARNING,
            about="settings",
            what=f"{message.msg} ({message.id})",
            fix=message.hint or "",
        )
    if not found:
        yield Finding(level=FINE, about="settings", what="the system checks hold")
    if settings.LOCAL and not settings.HTTPS:
        yield Finding(
            level=WARNING,
            about="settings",
            what=f"APP_URL ({settings.APP_URL}) is not https",
            fix="fine on your own machine; Shopify delivers to https only",
        )


def graph_version(*, today: date) -> Finding:
    """How long META_GRAPH_VERSION will live."""
    version = settings.META_GRAPH_VERSION
    about = "Graph API"
    fix = f"set META_GRAPH_VERSION to {list(GRAPH_VERSIONS)[-1]}"
    if version not in GRAPH_VERSIONS:
        return Finding(level=WARNING, about=about, what=f"{version} is not known here", fix=fix)
    if (end := GRAPH_VERSIONS[version]) is None:
        return Finding(level=FINE, about=about, what=f"{version}; its end is not announced yet")
    if end <= today:
        return Finding(level=FAILURE, about=about, what=f"{version} ended on {end}", fix=fix)
    if end - today <= TOLD_BEFORE:
        return Finding(level=WARNING, about=about, what=f"{version} ends on {end}", fix=fix)
    return Finding(level=FINE, about=about, what=f"{version} lives until {end}")


def _broker() -> Finding:
    try:
        with current_app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            policy = eviction(broker)
    except (OSError, KombuError, RedisError) as error:
        return Finding(
            level=WARNING,
            about="broker",
            what=f"is silent ({type(error).__name__}); orders go on by the sweep, seconds later",
            fix="check CELERY_BROKER_URL and that the broker runs",
        )
    if policy:
        return Finding(
            level=WARNING,
            about="broker",
            what=f"drops messages when it is full ({policy}); orders then go on by the sweep",
            fix="set its maxmemory-policy to noeviction",
        )
    return Finding(level=FINE, about="broker", what="answers")


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(DURABLE)
        fsync, synchronous_commit = cursor.fetchone()
    if fsync == "on" and synchronous_commit != "off":
        yield Finding(level=FINE, about="database", what="answers and keeps what it commits")
    else:
        yield Finding(
            level=FAILURE,
            about="database",
            what="a crash takes back what a shop was told is kept",
            fix="switch fsync and synchronous_commit on",
        )
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Finding(
            level=FAILURE,
            about="database",
            what=f"{len(missing)} migrations are not applied",
            fix="run migrate",
        )


def _stores(name: str | None) -> list[Store]:
    """The store that is asked for, connected or not; else all that are connected."""
    if name:
        return find_stores(name)
    return list(Store.objects.filter(connected=True).select_related("workspace").order_by("key"))


def _encryption() -> Finding:
    """Opens every secret of the newest rows. Raises CannotOpen."""
    for store in Store.objects.order_by("-pk")[:100]:
        store_ring(bytes(store.sealed_key))
        for name in ("webhook_secret", "access_token", "consumer_key", "consumer_secret"):
            getattr(store, name)
    for pixel in Pixel.objects.order_by("-pk")[:100]:
        _ = pixel.access_token
    return Finding(level=FINE, about="secrets", what="the keys open them")


def _audit() -> Finding:
    for chain in AuditChain.objects.select_related("workspace").order_by("workspace"):
        if broken := broken_at(chain):
            return Finding(
                level=FAILURE,
                about="audit",
                what=f"entry {broken} of {chain.workspace.slug}'s chain does not hold",
                fix="somebody has changed the database by hand: keep a copy, and see audit_verify",
            )
    return Finding(level=FINE, about="audit", what="the chains hold since they were last signed")


def _backlog(now: datetime) -> Iterator[Finding]:
    unread = WebhookDelivery.objects.filter(state=WebhookDelivery.State.RECEIVED)
    oldest = unread.order_by("received_at").values_list("received_at", flat=True).first()
    yield _age("oldest unread delivery", oldest, now)
    owed = ConversionEvent.objects.filter(
        state__in=(State.PENDING, State.IN_DOUBT),
        pixel__broken_reason="",
        pixel__pixelqueue__not_before__lte=now,  # not while Meta asks for a pause
        cut_off__gt=now,
    )
    due = owed.order_by("not_before").values_list("not_before", flat=True).first()
    yield _age("oldest unsent event", due, now)


def _age(about: str, since: datetime | None, now: datetime) -> Finding:
    if since is None or since >= now:
        return Finding(level=FINE, about=about, what="none is due")
    age = now - since
    if age <= MAY_WAIT:
        return Finding(level=FINE, about=about, what=f"due for {age.seconds} s")
    return Finding(
        level=FAILURE,
        about=about,
        what=f"due for {span_in_words(age)}",
        fix="start a worker, or see in its log why it does not get on",
    )


def _store(store: Store, now: datetime) -> Iterator[Finding]:
    about = f"store {store.key}"
    if not store.connected:
        yield Finding(
            level=WARNING,
            about=about,
            what="is disconnected: its deliveries are turned away",
            fix="put it into the fleet file and apply that",
        )
        return
    yield _mappings(store, about)
    yield _last_delivery(store, about, now)
    yield from shop_findings(store, about=about, now=now)
    if store.platform == Store.Platform.SHOPIFY and not settings.SHOPIFY_API_SECRET:
        yield Finding(
            level=FAILURE,
            about=about,
            what="its deliveries are refused: no signature can be checked",
            fix="set SHOPIFY_API_SECRET to the app's client secret",
        )
    for trouble in shop_troubles(store, now=now):
        yield Finding(level=trouble.level, about=about, what=trouble.what, fix=trouble.fix)
    unreadable = WebhookDelivery.objects.filter(
        store=store,
        state=WebhookDelivery.State.UNREADABLE,
        received_at__gte=now - timedelta(hours=24),
    ).count()
    if unreadable:
        yield Finding(
            level=FAILURE,
            about=about,
            what=f"{unreadable} deliveries of the last 24 hours cannot be read",
            fix="the store's page says which and why; their bodies are kept",
        )


def _mappings(store: Store, about: str) -> Finding:
    mappings = PixelMapping.objects.filter(store=store, enabled=True).select_related("template")
    for mapping in mappings.order_by("position"):
        try:
            mapping.rules()
        except RulesError as error:
            return Finding(
                level=FAILURE,
                about=about,
                what=f"mappings[{mapping.position}] is not valid: {error}",
                fix="mend it in the fleet file and apply that",
            )
    if not mappings:
        return Finding(
            level=WARNING,
            about=about,
            what="no mapping is in force: no pixel is told of its orders",
            fix="add one to the fleet file and apply that",
        )
    return Finding(level=FINE, about=about, what=f"connected; mappings in force: {len(mappings)}")


def _last_delivery(store: Store, about: str, now: datetime) -> Finding:
    newest = WebhookDelivery.objects.filter(store=store).order_by("-pk")
    last = newest.values_list("received_at", flat=True).first()
    if last is None:
        return Finding(
            level=WARNING,
            about=about,
            what="nothing has come from the shop yet",
            fix=f"have it deliver its orders to {settings.APP_URL}{store.webhook_path}",
        )
    return Finding(level=FINE, about=about, what=f"last delivery {span_in_words(now - last)} ago")


def _pixels(stores: list[Store], *, of_all: bool) -> list[Pixel]:
    """The pixels that the stores report to; with `of_all` also those that no store has."""
    pixels = Pixel.objects.order_by("pixel_id", "pk")
    return list(pixels if of_all else pixels.filter(mappings__store__in=stores).distinct())


def _pixel(pixel: Pixel, now: datetime) -> Finding:
    about = f"pixel {pixel.pixel_id}"
    if not pixel.access_token:
        return Finding(
            level=FAILURE,
            about=about,
            what="has no access token",
            fix="make one in Events Manager (Settings, Conversions API) and apply it",
        )
    if pixel.broken_reason:
        return Finding(
            level=FAILURE,
            about=about,
            what=f"is paused: Meta refuses it ({pixel.broken_reason}); its events wait",
            fix="mend the token or its rights at Meta, then apply the fleet file again",
        )
    if not pixel.test_event_code:
        return Finding(level=FINE, about=about, what="has a token, and Meta has not refused it")
    until = pixel.test_event_code_until
    if until and now < until:
        what = f"is in test mode ({pixel.test_event_code}) for {span_in_words(until - now)} more"
    else:
        what = f"has a left-over test code ({pixel.test_event_code}); it is not sent any more"
    return Finding(
        level=WARNING, about=about, what=what, fix="take test_event_code out of the fleet file"
    )
