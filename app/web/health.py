"""For supervisors, load balancers and Prometheus, who come by address: at any host, without a session or a limit."""

from __future__ import annotations

import hmac

from flask import Blueprint, abort, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST

from app.observe import facts, metrics, readiness
from app.permissions import public

blueprint = Blueprint("health", __name__)
NEVER_KEPT = {"Cache-Control": "no-store"}


@blueprint.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return "ok", {"Content-Type": "text/plain; charset=utf-8"} | NEVER_KEPT


@blueprint.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """200 where database, Redis and migrations are as they should be; 503 and which are not."""
    found = readiness.as_json(readiness.parts())
    page = current_app.json.dumps(found, ensure_ascii=False)  # read by people, too
    return page, 200 if found["ready"] else 503, {"Content-Type": "application/json"} | NEVER_KEPT


@blueprint.get("/metrics")
@public
def exposition() -> ResponseReturnValue:
    """For who brings the METRICS_TOKEN; where none is set there is no such page."""
    token = str(current_app.config["METRICS_TOKEN"])
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(given.encode(), token.encode()):
        return "", 401, {"WWW-Authenticate": "Bearer"}
    return metrics.exposition() + facts.exposition(), {"Content-Type": CONTENT_TYPE_LATEST} | NEVER_KEPT
