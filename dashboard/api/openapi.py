"""The API's own description: https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from conversions.replay import Plan
from conversions.report import Row
from dashboard.api.views import BalanceQuery, LedgerQuery, PlanRequest, ReplayRequest
from dashboard.balance import Balance
from shop_webhooks.answers import answer
from stores.fleet.plan import Change

REFUSALS = {
    "400": "not JSON",
    "401": "no token, or one without force: it was taken back, or its user left the workspace",
    "403": "the token may not send, or came over plain http",
    "404": "the workspace has no such store or pixel",
    "409": "the store is disconnected, or its shop cannot be read",
    "413": "more than 5 MB",
    "422": "what was asked cannot be meant; `error.fields` says of each field why",
    "429": "more than ten requests a second of one workspace: wait for `Retry-After` seconds",
    "503": "our database or its keys are out of order: nothing was done, try again",
}
ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "request_id": {"type": "string", "format": "uuid"},
                "fields": {"type": "object", "additionalProperties": {"type": "array"}},
            },
            "required": ["code", "request_id"],
        }
    },
    "required": ["error"],
}


@login_not_required
@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """`GET /api/v1/openapi.json`: the same for everybody."""
    return answer(200, document())


def document() -> dict[str, Any]:
    """The description, with the shapes that the code itself has."""
    asked = (LedgerQuery, BalanceQuery, PlanRequest, ReplayRequest)
    refs, shapes = msgspec.json.schema_components(
        [*asked, Row, Balance, Plan, Change], ref_template="#/components/schemas/{name}"
    )
    ref = dict(zip([*asked, Row, Balance, Plan, Change], refs, strict=True))
    whole = {"type": "integer"}
    counts = {"type": "object", "additionalProperties": whole}
    return {
        "openapi": "3.1.1",
        "info": {"title": "Connector", "version": "1"},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": {
            "/ledger": _get(
                "One row for each order, pixel and event, newest first",
                shapes["LedgerQuery"],
                rows=_many(ref[Row]),
                counts={"type": ["object", "null"], "additionalProperties": whole},
                next={"type": ["integer", "null"]},
            ),
            "/balance": _get(
                "The shop's own orders against the ledger",
                shapes["BalanceQuery"],
                balanced={"type": "boolean"},
                stores=_many(ref[Balance]),
            ),
            "/plan": _post(
                "What a fleet file would change",
                ref[PlanRequest],
                changes=_many(ref[Change]),
                applied={"const": False},
                warnings=_many({"type": "string"}),
            ),
            "/replay": _post(
                "Look at orders again; with plan: false, and a token that may send, send what is owed",
                ref[ReplayRequest],
                carried_out={"type": "boolean"},
                orders=whole,
                counts=counts,
                shares=_many({"type": "object"}),
            ),
        },
        "components": {
            "schemas": shapes | {"Error": ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _many(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _get(summary: str, shape: dict[str, Any], **answered: Any) -> dict[str, Any]:
    needed = shape.get("required", [])
    parameters = [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in shape["properties"].items()
    ]
    return {"get": {"summary": summary, "parameters": parameters, "responses": _answers(answered)}}


def _post(summary: str, shape: dict[str, Any], **answered: Any) -> dict[str, Any]:
    asked = {"required": True, "content": {"application/json": {"schema": shape}}}
    return {"post": {"summary": summary, "requestBody": asked, "responses": _answers(answered)}}


def _answers(fields: dict[str, Any]) -> dict[str, Any]:
    answered = {"type": "object", "properties": fields, "required": list(fields)}
    error = {"$ref": "#/components/schemas/Error"}
    refused = {
        status: {"description": why, "content": {"application/json": {"schema": error}}}
        for status, why in REFUSALS.items()
    }
    done = {"description": "done", "content": {"application/json": {"schema": answered}}}
    return {"200": done} | refused
