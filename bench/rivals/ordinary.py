"""The same job as most would write it: all middleware, the ORM, JSON in the request."""

import base64
import hashlib
import hmac
import json
import os

import environ
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        DATABASES={"default": environ.Env().db_url("DATABASE_URL")},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SECRET = os.environ["SHOPIFY_API_SECRET"].encode()


class Shop(models.Model):
    """Looked up for each delivery."""

    domain = models.CharField(max_length=255, unique=True)

    class Meta:
        app_label = "bench"


class Delivery(models.Model):
    """One a delivery."""

    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    delivery_id = models.CharField(max_length=100, unique=True)
    topic = models.CharField(max_length=100)
    body = models.JSONField()

    class Meta:
        app_label = "bench"


@csrf_exempt
def door(request: HttpRequest) -> HttpResponse:
    """Verify, look up, parse, get or create, 200."""
    digest = hmac.new(SECRET, request.body, hashlib.sha256).digest()
    if not hmac.compare_digest(
        base64.b64encode(digest).decode(), request.headers["X-Shopify-Hmac-Sha256"]
    ):
        return HttpResponse(status=401)
    shop = Shop.objects.get(domain=request.headers["X-Shopify-Shop-Domain"])
    with transaction.atomic():
        Delivery.objects.get_or_create(
            delivery_id=request.headers["X-Shopify-Webhook-Id"],
            defaults={
                "shop": shop,
                "topic": request.headers["X-Shopify-Topic"],
                "body": json.loads(request.body),
            },
        )
    return HttpResponse("ok")


urlpatterns = [path("webhooks/shopify/", door)]
