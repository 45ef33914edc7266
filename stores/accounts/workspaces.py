"""A workspace of one's own."""

from __future__ import annotations

from django.db import transaction
from django.utils.text import slugify

from stores.models import Membership, User, Workspace
from stores.names import free_name


@transaction.atomic
def open_workspace(*, name: str, owner: User) -> Workspace:
    """A workspace called `name`, whose owner is `owner`; its slug is made of the name, and free."""
    slug = slugify(name)[:40] or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    workspace = Workspace.objects.create(name=name, slug=free_name(slug, taken))
    Membership.objects.create(workspace=workspace, user=owner, role=Membership.Role.OWNER)
    return workspace
