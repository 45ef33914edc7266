"""Whose a row is: the one way from a user to what they may see."""

from __future__ import annotations

from typing import Any

from django.db import models


class TenantQuerySet(models.QuerySet[Any]):
    """Rows that belong to a workspace: the one way to see them is `visible_to`."""

    to_workspace, to_store = "workspace", "store"  # `to_store` is "" for what tells of every store

    def visible_to(self, user: Any) -> Any:
        """The rows of the workspaces that `user` is a member of; none for a stranger."""
        if user.pk is None:  # which would mean: the rows of workspaces without a member
            return self.none()
        found = self.filter(**{f"{self.to_workspace}__members": user.pk})
        if user.only_store_id is None:
            return found
        if not self.to_store:
            return self.none()
        theirs = self.model._base_manager.filter(**{self.to_store: user.only_store_id})
        return found.filter(pk__in=theirs.values("pk"))
