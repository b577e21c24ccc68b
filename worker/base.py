"""A task works for one plant, as that plant's role: its first argument is the plant's slug."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Retry
from celery.utils.time import get_exponential_backoff_interval

from app.db import db
from tenants import context, fleet, resolver
from tenants.jobs import is_passing
from wsgi import app as flask_app


class _Patient(Task):  # type: ignore[type-arg]
    """Tries again where the database breaks off: within 1, 2, 4 … 60 seconds, at random, so that not all come at once."""

    abstract = True
    max_retries = 8
    typing = False  # the body takes less than is sent: `enter` keeps the plant

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with flask_app.app_context():
                return self.enter(*args, **kwargs)
        except Exception as error:
            if isinstance(error, Retry) or not is_passing(error):
                raise
            wait = get_exponential_backoff_interval(1, self.request.retries, 60, full_jitter=True)
            raise self.retry(exc=error, countdown=wait) from error

    def enter(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body where it belongs."""
        raise NotImplementedError


class TenantTask(_Patient):
    """Enters the plant named by the first argument; the body gets the rest."""

    abstract = True

    def enter(self, slug: str, *args: Any, **kwargs: Any) -> Any:
        tenant = resolver.by_slug(slug)
        if tenant is None or tenant.state == "archived":
            return None  # the plant is gone; so is its work
        with context.use(fleet.bring_up(tenant)):
            try:
                return self.run(*args, **kwargs)
            finally:
                db.session.remove()


class PlatformTask(_Patient):
    """For the few tasks that look at the registry alone."""

    abstract = True

    def enter(self, *args: Any, **kwargs: Any) -> Any:
        with context.use(None):
            return self.run(*args, **kwargs)
