"""The forms of the login and of the sign-up."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stores.accounts.colleagues import invitation_of
from stores.accounts.workspaces import open_workspace
from stores.models import User


def _workspace_name() -> forms.CharField:
    return forms.CharField(label=gettext_lazy("Name of your shop or agency"), max_length=200)


def _without_placeholders(form: forms.Form) -> None:
    for field in form.fields.values():  # they repeat the labels
        field.widget.attrs.pop("placeholder", None)


class LoginForm(allauth.LoginForm):
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = gettext_lazy("E-mail address")
        self.fields["login"].widget.attrs["autofocus"] = True
        self.fields["password"].help_text = ""
        _without_placeholders(self)
        self.may_sign_up = get_adapter().is_open_for_signup(context.request)


class SignUpForm(allauth.SignupForm):
    """An account; with a workspace of one's own, or for the address that a workspace has invited."""

    workspace = _workspace_name()
    field_order = ["workspace", "email", "password1"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = gettext_lazy("E-mail address")
        if invitation := invitation_of(context.request):
            del self.fields["workspace"]
            self.fields["email"].initial = invitation.email
            self.fields["email"].widget.attrs["readonly"] = True
        self._invitation = invitation
        _without_placeholders(self)

    def clean_email(self) -> str:
        """The address; an invitation is for its own. Raises ValidationError."""
        email = str(super().clean_email())
        if self._invitation and email != self._invitation.email:
            raise ValidationError(_("The invitation is for %s.") % self._invitation.email)
        return email

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """The workspace of who was not invited to another's."""
        if name := self.cleaned_data.get("workspace"):
            open_workspace(name=name, owner=user)


class WorkspaceNameForm(forms.Form):
    """One more workspace."""

    workspace = _workspace_name()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
