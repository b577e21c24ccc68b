"""The extensions, made once and bound to the app by create_app."""

from __future__ import annotations

from celery import Celery
from flask import Flask, current_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from redis import Redis

login = LoginManager()
csrf = CSRFProtect()
limiter = Limiter(get_remote_address, key_prefix="limits", swallow_errors=True)


def redis() -> Redis:
    """The app's Redis connection pool."""
    return current_app.extensions["redis"]  # type: ignore[no-any-return]


def init(app: Flask) -> None:
    """Bind them."""
    login.init_app(app)
    csrf.init_app(app)
    app.config["RATELIMIT_STORAGE_URI"] = app.config["REDIS_URL"]
    limiter.init_app(app)
    app.extensions["redis"] = Redis.from_url(app.config["REDIS_URL"])
    app.extensions["celery"] = Celery("qingqu", broker=app.config["REDIS_URL"])
