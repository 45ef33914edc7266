"""What every test may use: plain static files, Meta's stand-in, and a shop that is set up."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.utils import translation

from sandbox.graph_api import GraphApi
from tests.shops import certificate, shop

__all__ = ["certificate", "shop"]  # fixtures


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Threads and the database's clock need real commits; without `post_migrate`, which would make
    content types and permissions again after each test, they cost a third."""
    every_app = [app.name for app in apps.get_app_configs()]
    committed = pytest.mark.django_db(transaction=True, available_apps=every_app)
    for item in items:
        if "acme" in getattr(item, "fixturenames", ()):
            item.add_marker(committed)


@pytest.fixture(autouse=True)
def plain_static_files(request: pytest.FixtureRequest) -> None:
    """No manifest to look static files up in: it is made by a release."""
    if "django_db_setup" in request.fixturenames or "client" in request.fixturenames:
        plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
        settings = request.getfixturevalue("settings")
        settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves the language of its thread behind; the next one would set its own."""
    yield
    translation.deactivate()


@pytest.fixture
def graph_api() -> Iterator[GraphApi]:
    """Meta's stand-in, empty and strict."""
    with GraphApi() as graph:
        yield graph


@pytest.fixture(autouse=True)
def nobody_has_tried_yet(request: pytest.FixtureRequest) -> None:
    """The counts of logins are no model's: what empties the tables between tests leaves them."""
    if {"transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("transactional_db")
        from django.core.cache import cache

        cache.clear()


@pytest.fixture
def acme(transactional_db: None, settings: Any) -> Iterator[SimpleNamespace]:
    """Acme's two stores, `lyon` (Shopify) and `kitchen` (WooCommerce), and their `pixel`."""
    from shop_webhooks.doors import forget_doors
    from tests.factories import a_mapping, a_pixel, a_store, a_workspace
    from tests.pipeline import APP_SECRET, STORE_SECRET

    settings.SHOPIFY_API_SECRET, settings.SHOPIFY_API_SECRET_PREVIOUS = APP_SECRET, ""
    forget_doors()  # the ids of the last test's stores
    workspace = a_workspace()
    pixel = a_pixel(workspace, pixel_id="1234567890123", access_token="EAA-acme")
    lyon = a_store(workspace, key="lyon")
    kitchen = a_store(workspace, key="kitchen", platform="woocommerce", webhook_secret=STORE_SECRET)
    a_mapping(lyon, pixel)
    a_mapping(kitchen, pixel)
    yield SimpleNamespace(workspace=workspace, pixel=pixel, lyon=lyon, kitchen=kitchen)
    forget_doors()


@pytest.fixture
def meta(graph_api: GraphApi, acme: SimpleNamespace) -> GraphApi:
    """Meta's stand-in, which knows Acme's pixel and its token."""
    graph_api.dataset(acme.pixel.pixel_id, token=acme.pixel.access_token)
    return graph_api
