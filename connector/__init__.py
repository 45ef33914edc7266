"""The project: settings and wiring, nothing else."""

from connector.celery import app as celery_app

__all__ = ["celery_app"]
