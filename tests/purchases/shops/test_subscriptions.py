"""Orders of the engines for subscriptions, each with the part it has in one."""

import pytest
from paid_order import read as read_shopify
from test_woocommerce import read as read_woocommerce

from purchases.order import Source, Visit

PLAN = [{"quantity": 1, "price": "18.00", "selling_plan_id": 690}]
ALLOCATION = [{"quantity": 1, "price": "18.00", "selling_plan_allocation": {"price": "18.00"}}]
PLAIN = [{"quantity": 1, "price": "18.00", "selling_plan_id": None}]


@pytest.mark.parametrize(
    ("changes", "sale"),
    [
        # Shopify's own.
        ({"line_items": PLAIN}, "one_off"),
        ({"line_items": PLAN}, "first"),
        ({"line_items": ALLOCATION}, "first"),
        ({"line_items": PLAN, "source_name": "subscription_contract"}, "renewal"),
        ({"line_items": PLAN, "source_name": "subscription_contract_checkout_one"}, "renewal"),
        # Recharge, with its own checkout and in Shopify's.
        ({"tags": "Subscription, Subscription First Order", "source_name": "294517"}, "first"),
        (
            {"tags": "Subscription, Subscription Recurring Order", "source_name": "294517"},
            "renewal",
        ),
        # Skio.
        ({"tags": "Subscription First Order", "line_items": PLAN}, "first"),
        ({"tags": "Subscription Order: 3", "source_name": "4000001"}, "renewal"),
        ({"tags": "Subscription Order: 1", "line_items": PLAN}, "first"),
        # Loop, Appstle, Smartrr and other apps.
        ({"tags": "Loop-Subscription-Recurring-Order", "source_name": "5284869"}, "renewal"),
        ({"tags": "appstle_subscription_first_order", "line_items": PLAN}, "first"),
        ({"tags": "appstle_subscription_recurring_order", "source_name": "77"}, "renewal"),
        ({"tags": "smartrr renewal", "source_name": "77"}, "renewal"),
        ({"tags": "Resubscribed", "line_items": PLAN}, "resubscription"),
        # What nobody has told us of.
        ({"tags": "Subscription", "source_name": "77"}, "unclassified"),
        ({"line_items": PLAN, "source_name": "77"}, "unclassified"),
        (
            {"tags": "Subscription First Order, Subscription Recurring Order", "source_name": "7"},
            "unclassified",
        ),
        # No subscription at all.
        ({"tags": "newsletter subscription, vip"}, "one_off"),
        ({"tags": "active subscriber, first order"}, "one_off"),
        ({"tags": "new, recurring customer"}, "one_off"),
    ],
)
def test_an_order_of_shopify_has_its_part_in_a_subscription(changes, sale):
    assert read_shopify(**{"line_items": PLAIN, "tags": "", **changes}).sale == sale


def test_a_renewal_is_nobodys_visit_whichever_program_wrote_it():
    order = read_shopify(tags="Subscription Recurring Order", source_name="294517")

    assert (order.source, order.visit) == (Source.SUBSCRIPTION, Visit())


def meta(**values):
    return [{"key": key, "value": value} for key, value in values.items()]


def line(**values):
    return [{"product_id": 16, "quantity": 1, "total": "18.00", "meta_data": meta(**values)}]


@pytest.mark.parametrize(
    ("changes", "sale"),
    [
        ({}, "one_off"),
        # WooCommerce Subscriptions.
        ({"created_via": "subscription"}, "renewal"),
        ({"meta_data": meta(_subscription_renewal="77")}, "renewal"),
        ({"meta_data": meta(_subscription_resubscribe="77")}, "resubscription"),
        ({"meta_data": meta(_subscription_switch="77", _subscription_renewal="77")}, "switch"),
        ({"meta_data": meta(_subscription_renewal="false")}, "one_off"),
        ({"line_items": line(_has_trial="true")}, "first"),
        # All Products for WooCommerce Subscriptions.
        ({"line_items": line(_wcsatt_scheme="1_month")}, "first"),
        ({"line_items": line(_wcsatt_scheme="0")}, "one_off"),
        # YITH.
        ({"meta_data": meta(subscriptions=[301])}, "first"),
        ({"meta_data": meta(is_a_renewal="yes", subscriptions=[301])}, "renewal"),
        ({"meta_data": meta(subscriptions=[])}, "one_off"),
        # What nobody has told us of.
        ({"meta_data": meta(_acme_subscription_id="9")}, "unclassified"),
        (
            {
                "created_via": "acme",
                "customer_user_agent": "",
                "line_items": line(subscription_id="9"),
            },
            "unclassified",
        ),
        ({"line_items": line(acme_subscription_period="month")}, "first"),
        # No subscription at all.
        ({"meta_data": meta(newsletter_subscription="yes")}, "one_off"),
        ({"meta_data": meta(_mailpoet_subscriptions="1")}, "one_off"),
        ({"meta_data": meta(_acme_subscription_id="")}, "one_off"),
    ],
)
def test_an_order_of_woocommerce_has_its_part_in_a_subscription(changes, sale):
    order = read_woocommerce(**{"meta_data": [], "line_items": line(), **changes})

    assert order.sale == sale
