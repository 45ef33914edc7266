"""The outbox, the sender and the ledger as a Django app."""

from django.apps import AppConfig


class ConversionsConfig(AppConfig):
    """The app."""

    name = "conversions"
