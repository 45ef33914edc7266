"""A WooCommerce shop to connect to: the sandbox's, by https, with our own site behind a route."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.tls import make_certificate
from sandbox.woocommerce_store import WooCommerceShop


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
def shop(certificate: Path, settings: Any) -> Iterator[WooCommerceShop]:
    """The shop; loopback is allowed as in development, and its certificate trusted."""
    settings.WOOCOMMERCE_ALLOW_PRIVATE = True
    settings.SHOPS_CA_FILE = str(certificate)
    with WooCommerceShop(certificate=certificate) as shop:
        yield shop
