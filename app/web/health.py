"""Whether the process lives (/healthz) and whether it can work (/readyz), for supervisors and load balancers."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import redis
from app.permissions import public
from tenants.session import platform

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    """The process answers."""
    return "ok", {"Content-Type": "text/plain; charset=utf-8"}


def _database() -> None:
    with platform() as session:
        session.execute(text("SELECT 1"))


def _redis() -> None:
    redis().ping()


def _works(check: Callable[[], None]) -> bool:
    try:
        check()
    except (SQLAlchemyError, RedisError):
        return False
    return True


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Database and Redis can be reached: 200, else 503 and which cannot."""
    state = {"database": _works(_database), "redis": _works(_redis)}
    return jsonify(state), 200 if all(state.values()) else 503
