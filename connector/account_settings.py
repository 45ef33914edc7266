"""Passwords, cookies, and what django-allauth is told (decision 0123): what no installation chooses."""

from __future__ import annotations

from typing import Any


def account_settings(*, login_url: str, mail: bool, https: bool) -> dict[str, Any]:
    """The settings by name. Without `mail` no address can be proved, and none is asked to be; under
    `https` there is a proxy, and the visitor's address is the one that it has seen."""
    # A browser takes names with this prefix from this very host alone, and over TLS.
    host = "__Host-" if https else ""
    return {
        "SESSION_COOKIE_AGE": 12 * 3600,
        "SESSION_COOKIE_NAME": f"{host}sessionid",
        "CSRF_COOKIE_NAME": f"{host}csrftoken",
        "SESSION_COOKIE_SECURE": https,
        "CSRF_COOKIE_SECURE": https,
        "ALLAUTH_TRUSTED_PROXY_COUNT": int(https),
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.Argon2PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of before: the next login renews it
        ],
        "PASSWORD_RESET_TIMEOUT": 3600,
        "AUTH_PASSWORD_VALIDATORS": [
            {
                "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
                "OPTIONS": {"min_length": 12},
            },
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        ],
        "ACCOUNT_ADAPTER": "stores.accounts.adapter.Accounts",
        "ACCOUNT_FORMS": {
            "login": "stores.accounts.forms.LoginForm",
            "signup": "stores.accounts.forms.SignUpForm",
        },
        "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "ACCOUNT_CHANGE_EMAIL": True,  # one address for each person
        "ACCOUNT_EMAIL_NOTIFICATIONS": True,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "Connector: ",
        "ACCOUNT_LOGOUT_REDIRECT_URL": login_url,
        "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
        "ACCOUNT_SESSION_REMEMBER": True,  # as long as the session lasts
        "ACCOUNT_RATE_LIMITS": {
            "login_failed": "20/m/ip,5/15m/key",  # the key: an account, seen from one address
            "login_account": "20/15m/key",
            "reset_password": "20/m/ip,3/h/key",
            "invite": "50/d/user",  # mails to whom somebody names
            "new_workspace": "20/d/user",
        },
        "MFA_ADAPTER": "stores.accounts.adapter.SecondFactors",
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory" if mail else "none",
        "ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED": mail,
    }
