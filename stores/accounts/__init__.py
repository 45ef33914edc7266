"""Accounts: django-allauth's journeys, with what is ours of them: workspaces, invitations, limits."""
