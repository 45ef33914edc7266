"""What each failure of a shop means for its merchant, and what to do: a sentence and a fix."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from stores.shops import ShopError

# The reasons of ShopError (stores/shops.py).
SENTENCES = {
    "address_not_allowed": gettext_lazy("The shop's address leads to a private network."),
    "name_not_found": gettext_lazy("Nobody knows a shop at this address."),
    "certificate_refused": gettext_lazy("The shop's certificate is not valid for its address."),
    "shop_silent": gettext_lazy("The shop does not answer, or not in time."),
    "shop_moved": gettext_lazy("The shop sends us on to another address."),
    "shop_firewall": gettext_lazy("A firewall or a security plug-in turns us away."),
    "shop_busy": gettext_lazy("The shop asks for a pause: it was asked too often."),
    "shop_unavailable": gettext_lazy("The shop is out of order, or under maintenance."),
    "web_page_for_answer": gettext_lazy("The shop answers with a web page where data is due."),
    "unreadable_answer_of_shop": gettext_lazy("The shop's answer cannot be read."),
    "plain_permalinks": gettext_lazy("The shop's permalinks are set to “Plain”."),
    "no_woocommerce": gettext_lazy("There is a website, but its WooCommerce does not answer."),
    "no_key": gettext_lazy("We have no key to this shop, so that nothing can be read back."),
    "key_unknown": gettext_lazy("The shop does not know the consumer key."),
    "key_refused": gettext_lazy("The shop does not accept the key."),
    "secret_wrong": gettext_lazy("The consumer secret does not belong to the consumer key."),
    "key_without_rights": gettext_lazy("The key may not do all that is needed: Read/Write."),
    "key_owner_lost_rights": gettext_lazy("The user who made the key no longer manages the shop."),
    "reading_incomplete": gettext_lazy("The shop gave fewer orders than it said it has."),
    "shop_refused": gettext_lazy("The shop refuses what we asked of it."),
    "webhook_not_made": gettext_lazy("The shop did not make the webhook as it was asked to."),
    "no_app": gettext_lazy("We have no access to this shop, so that nothing can be read back."),
    "app_needs_merchant": gettext_lazy("The shop has taken its permission back, or it ran out."),
    "orders_not_visible": gettext_lazy("The shop does not let the app see its orders."),
    "token_refused": gettext_lazy("The shop does not take this access token."),
    "app_has_its_own_token": gettext_lazy("The app is installed in this shop: no token is needed."),
    "pixel_not_allowed": gettext_lazy("The shop does not let the app place its pixel."),
    "pixel_not_deployed": gettext_lazy("The app at Shopify has no pixel to place."),
    "pixel_not_placed": gettext_lazy("The shop did not take the app's pixel as it is."),
    "webhook_unheard": gettext_lazy("Our webhooks are in the shop, and none has reached us."),
    "webhook_paused": gettext_lazy("Somebody has paused our webhooks in the shop."),
}

FIXES = {
    "address_not_allowed": gettext_lazy("Give the address at which shoppers reach the shop."),
    "name_not_found": gettext_lazy("Check the address for a typing mistake."),
    "certificate_refused": gettext_lazy("Have the shop's host renew its certificate."),
    "shop_silent": gettext_lazy("See whether the shop opens in a browser; then try again."),
    "shop_moved": gettext_lazy("Type the address that the browser shows once the shop is open."),
    "shop_firewall": gettext_lazy(
        "In the firewall (Cloudflare, Wordfence, the host's own), allow requests to /wp-json/wc/."
    ),
    "shop_busy": gettext_lazy("Nothing: we wait and go on."),
    "shop_unavailable": gettext_lazy("Nothing, unless it lasts: we go on when it is back."),
    "web_page_for_answer": gettext_lazy(
        "Take away what stands before /wp-json/: a password page, a “coming soon” or a login wall."
    ),
    "unreadable_answer_of_shop": gettext_lazy(
        "Look in the shop for a plug-in that writes into its answers, and switch it off."
    ),
    "plain_permalinks": gettext_lazy(
        "In WordPress, open Settings → Permalinks and choose any other, such as “Post name”."
    ),
    "no_woocommerce": gettext_lazy(
        "Give the shop's own address (with its folder, if it is in one), and see that WooCommerce is"
        " active."
    ),
    "no_key": gettext_lazy("Connect the shop, or give consumer_key and consumer_secret."),
    "key_unknown": gettext_lazy(
        "Connect the shop again, or make a new key: WooCommerce → Settings → Advanced → REST API."
    ),
    "key_refused": gettext_lazy("Connect the shop again."),
    "secret_wrong": gettext_lazy("Copy key and secret again; the secret is shown only once."),
    "key_without_rights": gettext_lazy("Give the key the permission Read/Write."),
    "key_owner_lost_rights": gettext_lazy(
        "Connect the shop again, logged in as an administrator or shop manager."
    ),
    "reading_incomplete": gettext_lazy("Try again; look for a plug-in that hides orders."),
    "shop_refused": gettext_lazy("Connect the shop again; if that does not help, report it."),
    "webhook_not_made": gettext_lazy("Look for a plug-in that changes webhooks."),
    "no_app": gettext_lazy("Connect the shop, or give an access_token in the fleet file."),
    "app_needs_merchant": gettext_lazy("Have somebody open the app in the shop's admin."),
    "orders_not_visible": gettext_lazy(
        "Give the app the scope read_orders, and Shopify's approval for protected customer data."
    ),
    "token_refused": gettext_lazy(
        "Copy the Admin API access token of the app again. Shopify shows it only once: if it is gone,"
        " install the app anew."
    ),
    "app_has_its_own_token": gettext_lazy("Open the app in the shop's admin."),
    "pixel_not_allowed": gettext_lazy(
        "Give the app the scopes write_pixels and read_customer_events, open it in the shop's admin and"
        " save here again; or paste the code."
    ),
    "pixel_not_deployed": gettext_lazy(
        "Add what “make shopify-pixel” builds to your app's extensions and run “shopify app deploy”; or"
        " paste the code."
    ),
    "pixel_not_placed": gettext_lazy("Deploy the app's extension again; or paste the code."),
    "webhook_unheard": gettext_lazy(
        "See that the address of this installation opens from the internet, without a password; then"
        " have the shop's host allow requests to it. Until then orders come minutes later."
    ),
    "webhook_paused": gettext_lazy(
        "In WooCommerce → Settings → Advanced → Webhooks, set them to Active. Until then orders come"
        " minutes later."
    ),
}

# Of Plugin.advice.
ADVICE = {
    "meta_for_woocommerce": gettext_lazy(
        "It tells Meta of orders from the server, also before they are paid. Keep"
        " “when_tracked_elsewhere: skip”, or switch its Conversions API off and let us share its"
        " event ID: “event_id: meta:_meta_event_id”."
    ),
    "pixelyoursite": gettext_lazy(
        "Its event IDs are not kept on the order, so that Meta could not match ours: switch its"
        " Conversions API off for purchases."
    ),
    "pixel_manager": gettext_lazy(
        "Its browser pixel uses the order's number as event ID: keep “event_id: order_id”. Switch its"
        " own Conversions API off."
    ),
    "sends_itself": gettext_lazy(
        "It may tell Meta of orders from the server: switch that off, or each may count twice."
    ),
    "tag_manager": gettext_lazy(
        "Its purchase tag needs the same event ID as ours: the order's number."
    ),
    "consent_plugin": gettext_lazy("It asks shoppers for consent; WooCommerce keeps no answer."),
}


def told(failure: ShopError | None) -> dict[str, object]:
    """A failure in words, for a page."""
    reason = failure.reason if failure else ""
    return {"problem": SENTENCES.get(reason, reason), "fix": FIXES.get(reason, "")}
