"""Acme with a store and a pixel, and Alice, who owns it, at her browser."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from conversions import tasks
from sandbox.graph_api import GraphApi
from stores.models import Pixel, Store, User, Workspace
from tests import factories


@pytest.fixture
def workspace(db: None) -> Workspace:
    return factories.a_workspace()


@pytest.fixture
def alice(workspace: Workspace) -> User:
    return factories.a_member(workspace)


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return factories.a_store(workspace, key="lyon", name="Boutique Lyon")


@pytest.fixture
def pixel(workspace: Workspace) -> Pixel:
    return factories.a_pixel(workspace)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    """Alice's browser."""
    client.force_login(alice)
    return client


@pytest.fixture
def owner(client: Client, acme: SimpleNamespace) -> Client:
    """The browser of an owner of Acme with its two stores."""
    client.force_login(factories.a_member(acme.workspace))
    return client


@pytest.fixture
def through_the_sandbox(meta: GraphApi, settings: Any) -> GraphApi:
    """Meta's stand-in, which the product asks."""
    settings.META_GRAPH_URL = meta.url
    tasks.graph_client.cache_clear()
    return meta
