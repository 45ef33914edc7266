"""The second wall between tenants: PostgreSQL itself shows a page the rows of its reader, and no others.

Behind `visible_to`, and for the day on which a query forgets it. While a page is read, its transaction
acts as the role `connector_pages`, which may only read, and whose policies know who reads. Of what is
posted, what its address names is looked up in that role first. Workers, and what a post then does, act
as the database's own user, for whom there are no policies: they cost nothing there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import structlog
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from stores.models import Store, User, Workspace
from stores.sql import rows, run

log = structlog.get_logger(__name__)

ROLE = "connector_pages"
READER = "connector.reader"
OURS = ("stores", "conversions", "shop_webhooks", "dashboard")

# Made by whoever owns the tables, for whom no policy holds: they see all members and all stores.
FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION connector_workspaces() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT coalesce(array_agg(workspace_id), '{{}}') FROM stores_membership
    WHERE user_id = nullif(current_setting('{READER}', true), '')::bigint
$$;
CREATE OR REPLACE FUNCTION connector_stores() RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT coalesce(array_agg(store.id), '{{}}') FROM stores_store AS store
    JOIN stores_user AS reader ON reader.id = nullif(current_setting('{READER}', true), '')::bigint
    WHERE store.workspace_id = ANY (connector_workspaces())
      AND (reader.only_store_id IS NULL OR reader.only_store_id = store.id)
$$;
"""
IN_WORKSPACE = "{column} = ANY ((SELECT connector_workspaces())::bigint[])"
IN_STORE = "{column} = ANY ((SELECT connector_stores())::bigint[])"
SPECIAL = {
    "stores_workspace": IN_WORKSPACE.format(column="id"),
    "stores_store": IN_STORE.format(column="id"),
    "stores_user": f"""
        id = nullif(current_setting('{READER}', true), '')::bigint
        OR EXISTS (SELECT FROM stores_membership AS other WHERE other.user_id = stores_user.id)
        """,
    "shop_webhooks_shopnotice": """
        EXISTS (SELECT FROM stores_store AS other
                WHERE other.id = shop_webhooks_shopnotice.store_id
                   OR (shop_webhooks_shopnotice.store_id IS NULL AND other.domain = shop))
        """,
}
# What tells of no tenant, or of all at once.
SHARED = frozenset(
    (
        "conversions_configversion",
        "dashboard_lookout",
        "dashboard_auditcursor",
        "dashboard_auditkey",
    )
)
# What the numbers in the addresses of pages stand for.
NAMED = {
    "store_id": "stores.Store",
    "pixel_id": "stores.Pixel",
    "mapping_id": "stores.PixelMapping",
    "member_id": "stores.Membership",
    "colleague_id": "stores.Colleague",
    "invitation_id": "stores.Invitation",
    "token_id": "stores.ApiToken",
    "event_id": "conversions.ConversionEvent",
    "request_id": "shop_webhooks.ShopNotice",
    "alert_id": "dashboard.Alert",
    "channel_id": "dashboard.AlertChannel",
    "filter_id": "dashboard.SavedFilter",
}
PAGE_TIMEOUT = "5s"  # nobody waits longer for a page
MAKE_ROLE = f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
        CREATE ROLE {ROLE} NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
        GRANT {ROLE} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
    NULL;  -- somebody else makes it, or has to
END $$;
"""
IS_THERE = f"""
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}' AND pg_has_role(oid, 'MEMBER'))
"""
MAY_READ = f"""
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {ROLE};
"""


def raise_wall() -> bool:
    """Make the role, its policies and what they ask, where they are not there yet; False where this
    database's user may not make roles: then a superuser has to, once (docs/security.md)."""
    run(MAKE_ROLE)
    if not _role_is_there():
        log.warning("wall.missing", role=ROLE)
        return False
    run(FUNCTIONS)
    run(MAY_READ)
    known = {
        name for (name,) in rows("SELECT tablename FROM pg_policies WHERE policyname = 'reader'")
    }
    for table, predicate in policies().items():
        if table not in known:
            run(f"CREATE POLICY reader ON {table} FOR SELECT TO {ROLE} USING ({predicate})")
            run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    return True


def policies() -> dict[str, str]:
    """By table, which rows a reader may see."""
    found = {
        model._meta.db_table: _predicate(model)
        for model in apps.get_models()
        if model._meta.app_label in OURS and model._meta.db_table not in SHARED | SPECIAL.keys()
    }
    return found | SPECIAL


def _predicate(model: type[models.Model]) -> str:
    """By the first of its references that says whose it is."""
    targets: dict[Any, models.ForeignKey[Any, Any]] = {}
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey):
            targets.setdefault(field.related_model, field)
    if Workspace in targets:
        return IN_WORKSPACE.format(column=targets[Workspace].column)
    if Store in targets:
        return IN_STORE.format(column=targets[Store].column)
    if not targets:
        raise LookupError(
            f"{model._meta.label} does not say whose its rows are: name it in SHARED or SPECIAL."
        )
    others = [field for target, field in targets.items() if target is not User]
    if not others:  # a person's own
        return f"{targets[User].column} = nullif(current_setting('{READER}', true), '')::bigint"
    # Its tenant is a step away: what it refers to has a policy of its own.
    step = others[0]
    there = f"{step.related_model._meta.db_table} AS other"
    here = f"{model._meta.db_table}.{step.column}"
    return f"EXISTS (SELECT FROM {there} WHERE other.{step.target_field.column} = {here})"


@contextmanager
def behind_the_wall(reader: User) -> Iterator[None]:
    """What is read inside are rows that `reader` may see; nothing can be written.

    Inside a transaction that is at work already, the role ends with the block and not with that.
    """
    if not _is_up():
        yield
        return
    nested = connection.in_atomic_block
    with transaction.atomic():
        _act_as(ROLE, str(reader.pk), PAGE_TIMEOUT)
        yield
        if nested:
            _act_as("none", "", "30s")


ACT_AS = """
SELECT set_config('role', %s, true), set_config(%s, %s, true),
       set_config('statement_timeout', %s, true)
"""


def _act_as(role: str, reader: str, timeout: str) -> None:
    rows(ACT_AS, [role, READER, reader, timeout])


class WallMiddleware:
    """The dashboard's pages are read behind the wall; what is posted there names nothing beyond it."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        """Answer one request."""
        return self._get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Call the view; it is the last of the middlewares that is asked."""
        user: User | AnonymousUser = request.user
        if not view.__module__.startswith("dashboard.views") or not isinstance(user, User):
            return None
        if request.method in ("GET", "HEAD"):
            with behind_the_wall(user):
                return view(request, *args, **kwargs)
        if named := {name: kwargs[name] for name in NAMED.keys() & kwargs}:
            with behind_the_wall(user):
                _see_all(named)
        return None


def _see_all(named: dict[str, int]) -> None:
    """Raises Http404 unless each is there."""
    for name, pk in named.items():
        get_object_or_404(apps.get_model(NAMED[name]).objects.only("pk"), pk=pk)


@cache
def _is_up() -> bool:
    """Looked at once in a process; the log says where there is none."""
    there = _role_is_there()
    if not there:
        log.warning("wall.missing", role=ROLE)
    return there


def _role_is_there() -> bool:
    ((there,),) = rows(IS_THERE)
    return bool(there)
