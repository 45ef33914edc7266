"""Acme with a store and a pixel, and Alice, who owns it, at her browser."""

import pytest
from django.test import Client

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
