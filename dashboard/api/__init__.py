"""The commands' JSON over HTTP, for agencies: docs/api.md."""
