"""The admin, to look and not to touch. Secrets are not among its fields."""

from __future__ import annotations

from typing import Any

# These four register what is taken out below.
import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401
import django.contrib.auth.admin  # noqa: F401
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from stores.models import MappingTemplate, Membership, Pixel, PixelMapping, Store, User, Workspace

# One door, with its limits and its second factor, for everybody.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth wants it
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession])


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Rows that nobody may add, change or delete here: changes go by the fleet file or a screen."""

    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People, without their passwords."""

    fields = ("email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    list_display = ("email", "is_active", "is_staff", "last_login")
    search_fields = ("email",)


@admin.register(Workspace)
class WorkspaceAdmin(ReadOnlyAdmin):
    """Tenants."""

    fields = ("slug", "name", "created_at")
    list_display = ("slug", "name", "created_at")
    search_fields = ("slug", "name")


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who may do what."""

    fields = ("workspace", "user", "role")
    list_display = ("user", "workspace", "role")
    list_select_related = ("workspace", "user")


@admin.register(Store)
class StoreAdmin(ReadOnlyAdmin):
    """Connected shops, without their secrets."""

    fields = (
        "workspace",
        "key",
        "name",
        "platform",
        "domain",
        "url",
        "time_zone",
        "connected",
        "created_at",
    )
    list_display = ("key", "name", "platform", "domain", "connected", "workspace")
    list_select_related = ("workspace",)
    list_filter = ("platform", "connected")
    search_fields = ("key", "name", "domain")


@admin.register(Pixel)
class PixelAdmin(ReadOnlyAdmin):
    """Datasets (Pixels), without their tokens."""

    fields = ("workspace", "pixel_id", "name", "broken_reason", "broken_at", "created_at")
    list_display = ("pixel_id", "name", "workspace", "broken_reason")
    list_select_related = ("workspace",)
    search_fields = ("pixel_id", "name")


@admin.register(PixelMapping)
class PixelMappingAdmin(ReadOnlyAdmin):
    """Which orders go where."""

    fields = ("store", "pixel", "position", "enabled", "template", "settings")
    list_display = ("store", "position", "pixel", "enabled")
    list_select_related = ("store", "pixel")


@admin.register(MappingTemplate)
class MappingTemplateAdmin(ReadOnlyAdmin):
    """Settings that mappings share."""

    fields = ("workspace", "name", "settings")
    list_display = ("name", "workspace")
    list_select_related = ("workspace",)
