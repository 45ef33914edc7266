"""The map of the site."""

from django.contrib import admin
from django.urls import include, path

from connector import health
from shop_webhooks.urls import collector_patterns

urlpatterns = [
    path("webhooks/", include("shop_webhooks.urls")),
    path("collect/", include(collector_patterns)),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", include("dashboard.api.urls")),
    path("admin/", admin.site.urls),
    path("woocommerce/connect/", include("stores.woocommerce.urls")),
    path("", include("stores.urls")),
    # The same screens inside Shopify's admin: `{% url %}` stays on whichever side it is used.
    path("shopify/", include("dashboard.urls", namespace="shopify")),
    path("", include("dashboard.urls")),
]
