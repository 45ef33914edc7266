"""The screens."""

from django.urls import path

from dashboard.views import (
    balance,
    browser,
    connection,
    consent,
    datasets,
    deliveries,
    doubt,
    home,
    insight,
    invitations,
    mappings,
    orders,
    pixels,
    preview,
    privacy,
    set_up,
    stores,
    test_events,
)

app_name = "dashboard"
urlpatterns = [
    path("", stores.stores, name="stores"),
    path("stores/<int:store_id>/", home.home, name="home"),
    path("stores/<int:store_id>/orders/", orders.ledger, name="ledger"),
    path("stores/<int:store_id>/orders/<slug:order_id>/", orders.order, name="order"),
    path("stores/<int:store_id>/balance/", balance.balance, name="balance"),
    path("stores/<int:store_id>/balance/run", balance.draw_up_balance, name="draw_up_balance"),
    path("stores/<int:store_id>/deliveries/", deliveries.deliveries, name="deliveries"),
    path("stores/<int:store_id>/connection/", connection.connection, name="connection"),
    path("stores/<int:store_id>/connection/check", connection.check_connection, name="check"),
    path("stores/<int:store_id>/disconnect/", connection.disconnect_store, name="disconnect"),
    path("stores/<int:store_id>/datasets/", datasets.datasets, name="datasets"),
    path(
        "stores/<int:store_id>/datasets/<int:pixel_id>/change",
        datasets.change_dataset,
        name="change_dataset",
    ),
    path("stores/<int:store_id>/mappings/", mappings.mappings, name="mappings"),
    path("stores/<int:store_id>/mappings/new/", mappings.mapping, name="new_mapping"),
    path("stores/<int:store_id>/mappings/<int:mapping_id>/", mappings.mapping, name="mapping"),
    path(
        "stores/<int:store_id>/mappings/<int:mapping_id>/change",
        mappings.change_mapping,
        name="change_mapping",
    ),
    path("stores/<int:store_id>/privacy/", privacy.privacy, name="privacy"),
    path("stores/<int:store_id>/consent/", consent.consent, name="consent"),
    path("stores/<int:store_id>/browser/", browser.browser, name="browser"),
    path("stores/<int:store_id>/set-up/", set_up.set_up, name="set_up"),
    path("stores/<int:store_id>/speed/", insight.speed, name="speed"),
    path("stores/<int:store_id>/match-quality/", insight.match_quality, name="match_quality"),
    path("stores/<int:store_id>/preview/", preview.preview, name="preview"),
    path("stores/<int:store_id>/test-events/", test_events.test_events, name="test_events"),
    path("invitations/", invitations.invitations, name="invitations"),
    path(
        "invitations/<int:invitation_id>/revocation",
        invitations.revoke_invitation,
        name="revocation",
    ),
    path("in-doubt/", doubt.doubt, name="doubt"),
    path("events/<int:event_id>/settlement", doubt.settle_event, name="settlement"),
    path("pixels/<int:pixel_id>/resumption", pixels.resume_pixel, name="resumption"),
]
