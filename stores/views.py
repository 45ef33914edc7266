"""The doors of this app: the login, for now."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse

from stores.login import LoginForm


class Login(LoginView):
    """`/login/`: then to `next`, if that is a page of this site, else to the stores."""

    form_class = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again; 429 says to machines what the form says to people."""
        response = super().form_invalid(form)
        if form.has_error("__all__", code="throttled"):
            response.status_code = 429
        return response
