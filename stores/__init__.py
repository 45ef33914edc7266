"""Tenants and settings: workspaces, people, stores, pixels, mappings, and their secrets."""
