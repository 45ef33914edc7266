"""Every reason the code can give, as a sentence for the merchant. The closed list of docs/glossary.md.

A reason is a slug on a row: of a delivery, an event, an attempt or a pixel. A test walks the modules
that write them, so that none is missing here.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stores import shop_words


def in_words(reason: str) -> str:
    """The sentence for `reason`; "" for no reason."""
    if not reason or reason in SENTENCES:
        return str(SENTENCES.get(reason, ""))
    family, _underscore, rest = reason.partition("_")
    if family in FAMILIES:
        return str(FAMILIES[family]) % {"rest": rest.replace("_", "/")}
    return _("For a reason that this page has no words for yet: %(reason)s.") % {"reason": reason}


# `Why?` is asked of different things, but no slug means different things in two places.
SENTENCES = {
    # What an order waits for (purchases/triggers.py).
    "payment": gettext_lazy("It waits until the money has arrived."),
    "completion": gettext_lazy("It waits until the shop has shipped or handed over all of it."),
    "status": gettext_lazy("It waits until the shop gives it a status that the mapping names."),
    "tag": gettext_lazy("It waits until somebody tags it in the shop as the mapping says."),
    "consent": gettext_lazy("It waits for the buyer's consent."),
    "hold": gettext_lazy("It is held back for a while, in case it is cancelled."),
    # What the shop did when Meta had the event already (conversions/outbox.py).
    "cancelled_after_send": gettext_lazy("The order was cancelled after it was sent."),
    "refunded_after_send": gettext_lazy("The order was refunded in full after it was sent."),
    "refunded_in_part_after_send": gettext_lazy("A part was refunded after it was sent."),
    "voided_after_send": gettext_lazy(
        "The payment's authorisation was given up after it was sent."
    ),
    "trashed_after_send": gettext_lazy("The shop has put the order in its bin after it was sent."),
    # Why an order is not reported (purchases/decision.py, mapping.py, meta/event.py).
    "draft": gettext_lazy("It is a draft: nobody has bought yet."),
    "trashed": gettext_lazy("The shop has put the order in its bin."),
    "cancelled": gettext_lazy("The order was cancelled."),
    "refunded": gettext_lazy("The order was refunded in full."),
    "voided": gettext_lazy("The payment's authorisation was given up."),
    "test_order": gettext_lazy("It is a test order."),
    "staff_order": gettext_lazy("Staff entered it."),
    "imported": gettext_lazy("It was imported into the shop long after the sale."),
    "zero_value": gettext_lazy("Its total is zero."),
    "tracked_elsewhere": gettext_lazy(
        "Another plugin of the shop says that it has told Meta already."
    ),
    "future_time": gettext_lazy("It is dated in the future."),
    "too_old": gettext_lazy(
        "It is older than Meta accepts: 7 days, 62 for sales in a store, or 2 where a browser pixel"
        " has told Meta of it: Meta would count it again."
    ),
    "consent_refused": gettext_lazy("The buyer has refused that Meta is told."),
    "watched": gettext_lazy("It is only watched: the mapping sends nothing yet."),
    "before_cut_over": gettext_lazy(
        "It was placed before the moment from which on this mapping sends: it was another sender's."
    ),
    "other_country": gettext_lazy("It goes to a country that the mapping leaves out."),
    "other_source": gettext_lazy("It was made in a way that the mapping leaves out."),
    "other_subscription": gettext_lazy(
        "Its part in a subscription is one that the mapping leaves out."
    ),
    "unclassified_subscription": gettext_lazy(
        "It belongs to a subscription, and nothing on it says whether it begins or renews one."
    ),
    "other_tag": gettext_lazy("It has none of the tags that the mapping asks for."),
    "other_sku": gettext_lazy("It has none of the products that the mapping asks for."),
    "other_customer": gettext_lazy(
        "The mapping asks for new customers, or for returning ones, and the shop does not say that"
        " the buyer is one."
    ),
    "below_min_value": gettext_lazy("Its total is below the mapping's least value."),
    "event_id_missing": gettext_lazy("The order lacks what the mapping makes the event ID of."),
    "event_id_taken": gettext_lazy(
        "Another order has used the same event ID at this dataset: Meta would discard this one."
    ),
    "not_cancelled": gettext_lazy("The order is not cancelled."),
    "not_draft": gettext_lazy("The order is no draft, or no longer."),
    "not_refunded": gettext_lazy("Nothing of the order was given back."),
    "never_sent": gettext_lazy(
        "Meta was not told of the purchase, so there is nothing to give back."
    ),
    "cost_missing": gettext_lazy("The cost of one of its products is not known."),
    "unmatchable": gettext_lazy("It says too little about the buyer for Meta to accept it."),
    "invalid_mapping": gettext_lazy("The mapping's settings are not valid."),
    "no_mapping": gettext_lazy(
        "No mapping of this store is in force: nobody asked for its orders."
    ),
    # Why a delivery carries no order (purchases/shops/).
    "checkout": gettext_lazy("It tells of a checkout, not of an order."),
    "deleted": gettext_lazy("It only says that the order was deleted."),
    "draft_order": gettext_lazy("It tells of a draft order, which nobody has bought yet."),
    "hint": gettext_lazy("It only names an action in the shop."),
    "order_edit": gettext_lazy("It tells of an edit; the order itself comes by another delivery."),
    "other_topic": gettext_lazy("It tells of something else than an order."),
    "refund": gettext_lazy("It tells of a refund, not of an order."),
    "redacted": gettext_lazy("Its customer asked to be forgotten: what it said is erased."),
    "stub": gettext_lazy("It holds the order's number without the order."),
    # Why a delivery cannot be read (purchases/shops/reading.py, shop_webhooks/inbox.py).
    "bad_currency": gettext_lazy("Its currency is not one that exists."),
    "bad_money": gettext_lazy("One of its amounts is not a number."),
    "bad_order_id": gettext_lazy("Its order number is not a number."),
    "bad_time": gettext_lazy("One of its times cannot be right."),
    "cannot_be_decrypted": gettext_lazy(
        "None of our keys opens it. Was a key taken out of FIELD_ENCRYPTION_KEYS?"
    ),
    "kills_its_reader": gettext_lazy(
        "Each try to read it ended before it was done. We set it aside."
    ),
    "negative_total": gettext_lazy("Its total is below zero."),
    "no_shop": gettext_lazy("It does not say which shop it comes from."),
    "no_time": gettext_lazy("It does not say when the order was made."),
    "no_topic": gettext_lazy("It does not say what it is about."),
    "no_total": gettext_lazy("It has no total."),
    "not_an_object": gettext_lazy("It is JSON, but not an order."),
    "not_json": gettext_lazy("It is not JSON, or was cut short."),
    "shop_error": gettext_lazy(
        "The shop sent an error in place of the order: the user who made the webhook "
        "may no longer see orders."
    ),
    "too_many_keys": gettext_lazy("It has far more keys than an order."),
    "too_deep": gettext_lazy("It is nested too deeply to be an order."),
    "undecodable": gettext_lazy("It is not written in UTF-8."),
    "unsupported_api": gettext_lazy(
        "The webhook uses an old API version. Set it to “WP REST API Integration v3”."
    ),
    # What stands between us and Meta (conversions/).
    "everything_refused": gettext_lazy(
        "Meta refused one event after the other, so that the fault must be in the dataset."
    ),
    "no_longer_allowed": gettext_lazy("There was no time left to send it safely."),
    "too_large": gettext_lazy("It is too large for Meta."),
    "kills_its_sender": gettext_lazy(
        "Whoever sent it ended before Meta had answered, five times. It waits until you decide."
    ),
    "called_off_while_sent": gettext_lazy(
        "It was called off while it was on its way: Meta may have it. It is not sent again."
    ),
    "seen_by_a_person": gettext_lazy("No answer came; somebody has seen it at Meta."),
    "sent_again_by_a_person": gettext_lazy("Somebody has asked for it to be sent again."),
    "given_up_by_a_person": gettext_lazy("No answer came; somebody has let it go."),
    "malformed": gettext_lazy("What it would tell Meta is not in a form that Meta takes."),
    "unknown_currency": gettext_lazy("Meta does not know its currency."),
    "worker_lost": gettext_lazy("We were interrupted while we sent it, and heard no answer."),
    # What Meta says of the token or the dataset (purchases/meta/response.py).
    "api_version_ended": gettext_lazy("Meta has ended the version of its API that we use."),
    "no_score_yet": gettext_lazy(
        "Meta has not worked one out for the purchases of this dataset yet."
    ),
    "permission_denied": gettext_lazy("The access token may not write to this dataset."),
    "pixel_not_found": gettext_lazy(
        "Meta knows no such dataset, or the access token may not see it."
    ),
    "pixel_of_other_business": gettext_lazy("The dataset belongs to another business."),
    "token_app_removed": gettext_lazy("The app that the access token was made for was removed."),
    "token_cannot_be_decrypted": gettext_lazy(
        "None of our keys opens the access token. Was a key taken out of FIELD_ENCRYPTION_KEYS?"
    ),
    "token_expired": gettext_lazy("The access token has expired."),
    "token_invalid": gettext_lazy("Meta does not accept the access token."),
    "token_password_changed": gettext_lazy(
        "The access token ended when its owner changed the password."
    ),
    "token_session_mismatch": gettext_lazy("The access token belongs to another session."),
    "token_user_checkpointed": gettext_lazy(
        "Meta has locked the access token's owner out until they log in and confirm who they are."
    ),
    "token_user_unconfirmed": gettext_lazy("The access token's owner is not confirmed at Meta."),
    "token_wrong_business": gettext_lazy("The access token belongs to another business."),
    # What passes by itself (purchases/meta/response.py).
    "application_limit": gettext_lazy("The app has reached a limit at Meta."),
    "meta_unavailable": gettext_lazy("Meta's service is not available for the moment."),
    "meta_unknown_error": gettext_lazy("Meta had an error of its own."),
    "pixel_not_ready": gettext_lazy("The dataset is not ready yet."),
    "policy_block": gettext_lazy("Meta has blocked the app for a while, for its policies."),
    "throttled_abuse": gettext_lazy("Meta asks for a long pause: there were too many calls."),
    "throttled_account": gettext_lazy("Meta asks for a pause: too many calls for this account."),
    "throttled_app": gettext_lazy("Meta asks for a pause: too many calls of this app."),
    "throttled_business": gettext_lazy("Meta asks for a pause: too many calls for this business."),
    "throttled_page": gettext_lazy("Meta asks for a pause: too many calls for this page."),
    # What was odd about an answer (purchases/meta/response.py).
    "received_mismatch": gettext_lazy("Meta counted another number of events than we sent."),
    "too_many_parameters": gettext_lazy("The request held too much for Meta."),
    "unreadable_answer": gettext_lazy("Meta's answer could not be read."),
    # Meta's refusals of an event that merchants meet most; the others have their code below.
    "meta_100_2804003": gettext_lazy("The sale is too old (Meta's error 100/2804003)."),
    "meta_100_2804009": gettext_lazy("It has no value (Meta's error 100/2804009)."),
    "meta_100_2804010": gettext_lazy("It has no currency (Meta's error 100/2804010)."),
    "meta_100_2804019": gettext_lazy("A field is missing or wrong (Meta's error 100/2804019)."),
    "meta_100_2804050": gettext_lazy(
        "It says too little about the buyer (Meta's error 100/2804050)."
    ),
}

# Why a shop gives no answer (stores/shops.py).
SENTENCES |= shop_words.SENTENCES

# Reasons that end in a number or a name from outside: `meta_100_2804036`, `http_502`.
FAMILIES = {
    "meta": gettext_lazy("Meta gave its error %(rest)s."),
    "http": gettext_lazy("Meta's servers answered with status %(rest)s and no explanation."),
    "network": gettext_lazy("The connection to Meta failed (%(rest)s)."),
}
