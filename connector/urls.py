"""The map of the site."""

from django.contrib import admin
from django.urls import include, path

from connector import health

urlpatterns = [
    path("webhooks/", include("shop_webhooks.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
    path("woocommerce/connect/", include("stores.woocommerce.urls")),
    path("", include("stores.urls")),
    # The same screens inside Shopify's admin: `{% url %}` stays on whichever side it is used.
    path("shopify/", include("dashboard.urls", namespace="shopify")),
    path("", include("dashboard.urls")),
]
