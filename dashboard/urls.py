"""The screens."""

from django.urls import path

from dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.stores, name="stores"),
    path("stores/<int:store_id>/", views.ledger, name="ledger"),
    path("stores/<int:store_id>/deliveries/", views.deliveries, name="deliveries"),
    path("stores/<int:store_id>/connection/", views.connection, name="connection"),
    path("stores/<int:store_id>/connection/check", views.check_connection, name="check"),
    path("stores/<int:store_id>/orders/<slug:order_id>/", views.order, name="order"),
    path("in-doubt/", views.doubt, name="doubt"),
    path("events/<int:event_id>/settlement", views.settle_event, name="settlement"),
    path("pixels/<int:pixel_id>/resumption", views.resume_pixel, name="resumption"),
]
