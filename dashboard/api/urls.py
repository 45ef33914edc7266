"""The API's addresses."""

from django.urls import path

from dashboard.api import views
from dashboard.api.openapi import openapi

urlpatterns = [
    path("openapi.json", openapi, name="api_openapi"),
    path("ledger", views.ledger, name="api_ledger"),
    path("balance", views.balance, name="api_balance"),
    path("plan", views.plan, name="api_plan"),
    path("replay", views.replay, name="api_replay"),
]
