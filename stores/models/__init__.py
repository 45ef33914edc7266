"""Tenants and settings. Knows no orders and no events."""

from stores.models.mappings import MappingTemplate, Pixel, PixelMapping, ProductCost
from stores.models.people import ApiToken, Colleague, Membership, User, UserManager, Workspace
from stores.models.shops import Invitation, KeyHandover, ShopifyInstallation, Store
from stores.models.trail import ConfigChange

__all__ = [
    "ApiToken",
    "Colleague",
    "ConfigChange",
    "Invitation",
    "KeyHandover",
    "MappingTemplate",
    "Membership",
    "Pixel",
    "PixelMapping",
    "ProductCost",
    "ShopifyInstallation",
    "Store",
    "User",
    "UserManager",
    "Workspace",
]
