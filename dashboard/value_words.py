"""The steps to a value in the reader's language: the core names them in English (purchases/value.py)."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

STEPS = {
    "goods": gettext_lazy("goods"),
    "shipping": gettext_lazy("shipping"),
    "shipping without tax": gettext_lazy("shipping without tax"),
    "fees": gettext_lazy("fees"),
    "tax": gettext_lazy("tax"),
    "tips": gettext_lazy("tips"),
    "duties": gettext_lazy("duties"),
    "gift cards": gettext_lazy("gift cards"),
    "refunded": gettext_lazy("refunded"),
    "given back": gettext_lazy("given back"),
    "cash rounding": gettext_lazy("cash rounding"),
    "rounding": gettext_lazy("rounding"),
    "to zero": gettext_lazy("to zero"),
    "other": gettext_lazy("other"),
}


def step_in_words(what: str) -> str:
    """`shipping`, `line 2, A-100` or `cost of A-100`, in the active language."""
    if what in STEPS:
        return str(STEPS[what])
    if what.startswith("line "):
        place, _comma, name = what.removeprefix("line ").partition(", ")
        told = _("line %(place)s, %(name)s") if name else _("line %(place)s")
        return told % {"place": place, "name": name}
    if what.startswith("cost of "):
        return _("cost of %(name)s") % {"name": what.removeprefix("cost of ")}
    return what
