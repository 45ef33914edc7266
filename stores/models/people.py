"""Who: workspaces, their people, and each one's role."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone

from stores.tenants import TenantQuerySet


class UserManager(BaseUserManager["User"]):
    """Makes users by their e-mail address."""

    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user who logs in with `email`; without a password until one is set."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user who may also open the read-only admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        """The user of an address, in whatever case it was typed."""
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person. Logs in with an e-mail address."""

    username = None  # type: ignore[assignment]  # AbstractUser has one; we have none
    email = models.EmailField("e-mail address", unique=True)
    # Of staff who come from a shop's admin: whatever their role, they see this store and no other.
    only_store = models.ForeignKey(
        "stores.Store", null=True, blank=True, on_delete=models.CASCADE, related_name="staff"
    )

    language = models.CharField(max_length=5, blank=True, db_default="")  # "": the browser's

    morning_mail = models.BooleanField(default=True, db_default=True)  # of yesterday's orders

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # by e-mail


class Workspace(models.Model):
    """A tenant: one merchant, or one agency."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A person's role in a workspace."""

    class Role(models.TextChoices):
        OWNER = "owner"
        OPERATOR = "operator"
        ANALYST = "analyst"  # no personal data
        CLIENT = "client"  # reads only

    # The roles that may change what is set and what is sent.
    MAY_CHANGE = (Role.OWNER, Role.OPERATOR)

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_role_per_member")
        ]


class ApiToken(models.Model):
    """A program's way in: as its user, in one workspace, for what its scopes name.

    The user's role holds at each use: who leaves the workspace takes their tokens' force along.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_tokens")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    may_send = models.BooleanField(default=False)  # else it reads
    digest = models.CharField(max_length=64, unique=True)
    last_four = models.CharField(max_length=4)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    class Theirs(TenantQuerySet):
        """Of a workspace as a whole: not for staff who see one store."""

        to_store = ""

    objects = Theirs.as_manager()

    def __str__(self) -> str:
        return self.name


class Colleague(models.Model):
    """A person whom a workspace asks in: by e-mail address, with a role, until they join."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="colleagues")
    email = models.EmailField()  # in lower case
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="asked_in"
    )
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Theirs(TenantQuerySet):
        """Of a workspace as a whole: not for staff who see one store."""

        to_store = ""

    objects = Theirs.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"], name="one_invitation_per_address"
            )
        ]

    def __str__(self) -> str:
        return self.email
