"""Settings from the environment; nothing here is secret and nothing has a production default that is unsafe."""

from __future__ import annotations

import os
from pathlib import Path

from embedded.given import given
from tenants.driver import OneStatement

ROOT = Path(__file__).parent
_TLS = os.environ.get("TLS", "off") == "on"


class Config:
    """What the app reads; every value can be given by an environment variable of the same name.

    Secrets also by a file, which NAME_FILE names.
    """

    SECRET_KEY = given("SECRET_KEY")
    DATABASE_URL = given("DATABASE_URL")
    REDIS_URL = given("REDIS_URL")
    BASE_DOMAIN = os.environ.get("BASE_DOMAIN", "localhost")  # plants live at <slug>.BASE_DOMAIN
    CONSOLE_HOST = os.environ.get("CONSOLE_HOST", "console")  # the operator's subdomain
    TENANT_ROLES = os.environ.get("TENANT_ROLES", "on") == "on"  # off where a role per plant cannot be had
    DISTRIBUTED = os.environ.get("DISTRIBUTED", "")  # citus: a new plant's schema may live on any node
    STATEMENT_SECONDS = int(
        os.environ.get("STATEMENT_SECONDS", "60")
    )  # the longest that a request waits for a statement
    METRICS_TOKEN = given("METRICS_TOKEN")  # what Prometheus must bring; without one: no metrics
    EXPORT_DIR = os.environ.get("EXPORT_DIR", "")  # where workers put the plants' exports; without one: none are made
    EXPORT_DAYS = float(os.environ.get("EXPORT_DAYS", "7"))  # how old a plant's last export may become
    EXPORT_KEEP = int(os.environ.get("EXPORT_KEEP", "4"))  # so many of each plant
    POOL_SIZE = int(os.environ.get("POOL_SIZE", "5"))
    MAX_CONTENT_LENGTH = 32 * 1024 * 1024
    MAX_FORM_MEMORY_SIZE = 4 * 1024 * 1024
    TLS = _TLS  # people come by HTTPS, which a proxy in front ends
    TRUSTED_PROXIES = int(
        os.environ.get("TRUSTED_PROXIES", "0")
    )  # how many in front may say who asks (X-Forwarded-For)
    # A browser takes a __Host- cookie from this very host only, so that no other plant's page can plant one.
    SESSION_COOKIE_NAME = "__Host-qingqu" if _TLS else "qingqu"
    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    SESSION_COOKIE_SECURE = _TLS
    SESSION_IDLE = int(os.environ.get("SESSION_IDLE", "120"))  # minutes without a touch, after which one logs in again
    SESSION_LONGEST = int(os.environ.get("SESSION_LONGEST", "720"))  # minutes after which one logs in again in any case
    PERMANENT_SESSION_LIFETIME = SESSION_LONGEST * 60
    # Requests, by plant and address, by plant, and those that cost much; all in minutes, else the order is lost.
    RATE_ADDRESS = os.environ.get("RATE_ADDRESS", "600 per minute")
    RATE_HEAVY = os.environ.get("RATE_HEAVY", "60 per minute")
    RATE_LOGIN = os.environ.get("RATE_LOGIN", "60 per 15 minutes")  # refused ones
    RATE_PLANT = os.environ.get("RATE_PLANT", "1500 per minute")
    WTF_CSRF_TIME_LIMIT = None
    SQLALCHEMY_RECORD_QUERIES = False


def engine_options(config: Config) -> dict[str, object]:
    """Options of the one SQLAlchemy engine: nothing lives on a connection between transactions."""
    return {
        "pool_size": config.POOL_SIZE,
        "max_overflow": 5,
        "pool_recycle": 1800,
        "pool_use_lifo": True,  # the connection that knows the plant's tables already, not the one idle longest
        "hide_parameters": True,  # an error's text goes into the log; names and telephone numbers do not
        # Server-side prepared statements outlive a transaction, and PgBouncer in transaction mode cannot carry them.
        "connect_args": {"prepare_threshold": None, "cursor_factory": OneStatement},
    }
