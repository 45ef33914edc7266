"""What Meta tells people beside the numbers, in three languages: a client must not match on it.

English titles as seen in live answers; the sentences and the translations are the sandbox's own.
`{detail}` carries the path of a bad field, such as `$['data'][3]['event_time']`.
"""

USER_TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "parameter": {
        "en_US": ("Server-side API parameter error", "Server-side API parameter error: {detail}"),
        "fr_FR": ("Erreur de paramètre de l'API serveur", "Erreur de paramètre : {detail}"),
        "de_DE": ("Fehler bei einem Parameter der Server-API", "Parameterfehler: {detail}"),
    },
    "too_old": {
        "en_US": (
            "Event Timestamp Too Old",
            "The timestamp of this event is too far in the past. Send events within 7 days.",
        ),
        "fr_FR": (
            "Horodatage de l'évènement trop ancien",
            "L'horodatage de cet évènement est trop ancien. Envoyez-le sous 7 jours.",
        ),
        "de_DE": (
            "Zeitstempel des Events zu alt",
            "Der Zeitstempel dieses Events liegt zu weit zurück. Sende Events binnen 7 Tagen.",
        ),
    },
    "value_missing": {
        "en_US": ("Missing Value for Purchase Event", "Send a numeric value with every Purchase."),
        "fr_FR": ("Valeur manquante pour l'achat", "Envoyez une valeur avec chaque achat."),
        "de_DE": ("Wert für Kauf-Event fehlt", "Sende mit jedem Kauf einen Wert."),
    },
    "currency_missing": {
        "en_US": ("Missing Currency for Purchase Event", "Send a currency with every Purchase."),
        "fr_FR": ("Devise manquante pour l'achat", "Envoyez une devise avec chaque achat."),
        "de_DE": ("Währung für Kauf-Event fehlt", "Sende mit jedem Kauf eine Währung."),
    },
    "customer_unknown": {
        "en_US": (
            "You Haven't Added Sufficient Customer Information Parameter Data For This Event",
            "The customer information of this event is too broad to be matched. Add more of it.",
        ),
        "fr_FR": (
            "Informations client insuffisantes pour cet évènement",
            "Les informations client de cet évènement sont trop vagues. Ajoutez-en.",
        ),
        "de_DE": (
            "Zu wenige Kundeninformationen für dieses Event",
            "Die Kundeninformationen dieses Events sind zu ungenau. Füge weitere hinzu.",
        ),
    },
    "lead_id": {
        "en_US": ("Invalid lead id", "A lead id has 15 or 16 digits."),
        "fr_FR": ("Identifiant de prospect invalide", "Un identifiant compte 15 ou 16 chiffres."),
        "de_DE": ("Ungültige Lead-ID", "Eine Lead-ID hat 15 oder 16 Ziffern."),
    },
    "extinfo": {
        "en_US": ("Invalid extended device info parameter", "extinfo needs an OS version."),
        "fr_FR": ("Informations d'appareil invalides", "extinfo exige une version du système."),
        "de_DE": ("Ungültige Geräteinformation", "extinfo braucht eine Systemversion."),
    },
    "messaging_channel": {
        "en_US": ("Missing messaging channel parameter", "Name the messaging channel."),
        "fr_FR": ("Canal de messagerie manquant", "Indiquez le canal de messagerie."),
        "de_DE": ("Messaging-Kanal fehlt", "Nenne den Messaging-Kanal."),
    },
    "messaging_event": {
        "en_US": ("Messaging Event Invalid Event Type", "This event is no messaging event."),
        "fr_FR": ("Type d'évènement de messagerie invalide", "Cet évènement n'est pas admis."),
        "de_DE": ("Ungültige Art von Messaging-Event", "Dieses Event ist nicht zugelassen."),
    },
    "ctwa_clid": {
        "en_US": ("Messaging Event Invalid Ctwa Clid", "The ctwa_clid is not valid."),
        "fr_FR": ("Ctwa Clid invalide", "Le ctwa_clid n'est pas valide."),
        "de_DE": ("Ungültige Ctwa Clid", "Die ctwa_clid ist nicht gültig."),
    },
    "page_id": {
        "en_US": ("Messaging Event Missing Page ID", "Send the id of the page."),
        "fr_FR": ("Identifiant de page manquant", "Envoyez l'identifiant de la page."),
        "de_DE": ("Seiten-ID fehlt", "Sende die ID der Seite."),
    },
    "waba_mismatch": {
        "en_US": ("Dataset And WhatsApp Account Do Not Match", "Use the account that is linked."),
        "fr_FR": ("Compte WhatsApp différent", "Utilisez le compte associé à l'ensemble."),
        "de_DE": ("WhatsApp-Konto passt nicht", "Verwende das verknüpfte Konto."),
    },
    "waba_unlinked": {
        "en_US": ("Dataset Has No WhatsApp Account", "Link an account to the dataset."),
        "fr_FR": ("Aucun compte WhatsApp associé", "Associez un compte à l'ensemble."),
        "de_DE": ("Kein WhatsApp-Konto verknüpft", "Verknüpfe ein Konto mit dem Datensatz."),
    },
}
