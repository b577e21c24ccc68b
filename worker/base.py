"""A task works for one plant, as that plant's role: its first argument is the plant's slug."""

from __future__ import annotations

from typing import Any

from celery import Task

from app.db import db
from tenants import context, resolver
from wsgi import app as flask_app


class TenantTask(Task):  # type: ignore[type-arg]
    """Enters the plant named by the first argument; the body gets the rest."""

    abstract = True

    def __call__(self, slug: str, *args: Any, **kwargs: Any) -> Any:
        with flask_app.app_context():
            tenant = resolver.by_slug(slug)
            if tenant is None or tenant.state == "archived":
                return None  # the plant is gone; so is its work
            with context.use(tenant):
                try:
                    return self.run(*args, **kwargs)
                finally:
                    db.session.remove()


class PlatformTask(Task):  # type: ignore[type-arg]
    """For the few tasks that look at the registry alone."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with flask_app.app_context(), context.use(None):
            return self.run(*args, **kwargs)
