"""The extensions, made once and bound to the app by create_app."""

from __future__ import annotations

from celery import Celery
from flask import Flask
from flask_login import LoginManager
from flask_wtf import CSRFProtect
from redis import Redis

from app.limits import limiter as limiter
from tenants.entry.store import redis as redis

login = LoginManager()
csrf = CSRFProtect()


def init(app: Flask) -> None:
    """Bind them."""
    login.init_app(app)
    csrf.init_app(app)
    app.config["RATELIMIT_STORAGE_URI"] = app.config["REDIS_URL"]
    limiter.init_app(app)
    app.extensions["redis"] = Redis.from_url(app.config["REDIS_URL"])
    app.extensions["celery"] = Celery("qingqu", broker=app.config["REDIS_URL"])
