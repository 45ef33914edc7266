"""What every form that adds a store asks: in which workspace, where there are several."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from stores.models import Workspace

# Of fields that hold a secret or an address: no keyboard is to improve them.
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class WorkspaceForm(forms.Form):
    """Hides the question from those who have one workspace."""

    workspace = forms.ModelChoiceField(
        label=gettext_lazy("Workspace"), queryset=Workspace.objects.none(), empty_label=None
    )

    def __init__(self, *args: Any, workspaces: QuerySet[Workspace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        choice: Any = self.fields["workspace"]
        choice.queryset = workspaces
        choice.initial = workspaces.first()
        if workspaces.count() == 1:
            choice.widget = forms.HiddenInput()
