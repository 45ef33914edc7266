"""A workspace's datasets: which they are, and the form that adds one, with Meta's word on it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from conversions.dataset import Looked, look_at
from conversions.graph import GraphClient
from conversions.models import ConversionEvent, State
from conversions.tasks import send_due
from dashboard.mappings import add_mapping
from dashboard.reasons import in_words
from stores.models import Pixel, PixelMapping, Store, User


def datasets(*, user: User, store: Store) -> QuerySet[Pixel]:
    """Those of the store's workspace that `user` may see.

    Each with `mapped`, in how many mappings it is, `owed`, how many of its events are to be sent, and
    `removable`, if nothing refers to it.
    """
    visible: QuerySet[Pixel] = Pixel.objects.visible_to(user).filter(workspace=store.workspace_id)
    events = ConversionEvent.objects.filter(pixel=OuterRef("pk"))
    mappings = PixelMapping.objects.filter(pixel=OuterRef("pk"))
    owed = events.filter(state__in=(State.PENDING, State.IN_DOUBT)).order_by().values("pixel")
    return visible.annotate(
        mapped=_count(mappings.order_by().values("pixel")),
        owed=_count(owed),
        removable=~Exists(events) & ~Exists(mappings),
    ).order_by("name", "pixel_id")


def _count(grouped: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(grouped.annotate(n=Count("pk")).values("n")), 0)


def give_token(pixel: Pixel, *, access_token: str, looked: Looked) -> None:
    """The pixel has a token that Meta knows: what has waited for it goes at once."""
    pixel.access_token, pixel.token_expires_at = access_token, looked.token_expires_at
    pixel.secret_names = {}  # it no longer is the fleet file's
    pixel.broken_reason, pixel.broken_at = "", None
    with transaction.atomic():
        pixel.save()
        send_due.ring()


class TokenForm(forms.Form):
    """A token for a dataset that is known; valid once Meta has shown the dataset for it."""

    access_token = forms.CharField(
        label=_("Access token"),
        help_text=_(
            "Events Manager → the dataset → Settings → Conversions API → Generate access token."
        ),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    looked: Looked

    def __init__(self, data: Any = None, *, graph: GraphClient, pixel_id: str = "") -> None:
        self._graph, self.of_pixel = graph, pixel_id
        super().__init__(data, prefix=pixel_id or None, label_suffix="")

    def clean_access_token(self) -> str:
        """Without the blanks and line ends that come along when it is pasted."""
        return "".join(str(self.cleaned_data["access_token"]).split())

    def clean(self) -> dict[str, Any]:
        """Ask Meta, once all else is well."""
        super().clean()
        if not self.errors:
            self.looked = look_at(
                pixel_id=self.cleaned_data.get("pixel_id", self.of_pixel),
                access_token=self.cleaned_data["access_token"],
                graph=self._graph,
            )
            if self.looked.reason:
                self.add_error(self._at_fault(), in_words(self.looked.reason))
        return self.cleaned_data

    def _at_fault(self) -> str | None:
        """The field that Meta's answer is about; None where it is about neither."""
        kind, _underscore, _rest = self.looked.reason.partition("_")
        if kind in ("token", "permission"):
            return "access_token"
        return "pixel_id" if kind == "pixel" and "pixel_id" in self.fields else None


class DatasetForm(TokenForm):
    """A dataset that is new to the store."""

    pixel_id = forms.CharField(
        label=_("Dataset (Pixel) ID"),
        help_text=_("Events Manager → the dataset → Settings. It is a number."),
        validators=[RegexValidator(r"\A[0-9]{5,20}\Z", _("The ID is 5 to 20 digits."))],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    field_order = ("pixel_id", "access_token")

    def __init__(self, data: Any = None, *, graph: GraphClient, store: Store) -> None:
        self._store = store
        super().__init__(data, graph=graph)

    def clean_pixel_id(self) -> str:
        """A store reports to a dataset by its mappings, so one is enough."""
        pixel_id = str(self.cleaned_data["pixel_id"])
        if self._store.mappings.filter(pixel__pixel_id=pixel_id).exists():
            raise forms.ValidationError(
                gettext("This dataset is here already: give it a new token below.")
            )
        return pixel_id

    @transaction.atomic
    def save(self) -> Pixel:
        """The pixel, by the name that it has at Meta, with a mapping that is not in force yet.

        One that the workspace has for another store keeps its token: that one is known to write.
        """
        workspace, pixel_id = self._store.workspace, self.cleaned_data["pixel_id"]
        pixel = Pixel.objects.filter(workspace=workspace, pixel_id=pixel_id).first()
        if pixel is None or pixel.broken_reason:
            name = pixel.name if pixel else self.looked.name
            pixel = pixel or Pixel(workspace=workspace, pixel_id=pixel_id, name=name)
            give_token(pixel, access_token=self.cleaned_data["access_token"], looked=self.looked)
        add_mapping(PixelMapping(store=self._store, pixel=pixel, enabled=False))
        return pixel
