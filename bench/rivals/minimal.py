"""The same job in the leanest Django: no middleware, no ORM, a persistent connection."""

import base64
import hmac
import os

from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], DATABASES={}
    )

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.rivals.bare import keep

SECRET = os.environ["SHOPIFY_API_SECRET"].encode()


def door(request: HttpRequest) -> HttpResponse:
    """Verify, insert, 200."""
    body = request.body
    signature = base64.b64encode(hmac.digest(SECRET, body, "sha256"))
    if not hmac.compare_digest(signature, request.headers["X-Shopify-Hmac-Sha256"].encode()):
        return HttpResponse(status=401)
    keep(request.headers["X-Shopify-Webhook-Id"], request.headers["X-Shopify-Topic"], body)
    return HttpResponse("ok", headers={"Content-Length": "2"})


urlpatterns = [path("webhooks/shopify/", door)]
application = get_wsgi_application()
