"""Each request has an id, a line in the log and its place in the metrics."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from app.observe import ids, metrics

HEADER = "X-Request-ID"
UNTOLD = ("static", "health.alive", "health.ready", "health.exposition")  # a line each would bury the others
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
log = logging.getLogger(__name__)


def init(app: Flask) -> None:
    """Register the hooks."""
    app.before_request(begin)
    app.after_request(tell)
    app.teardown_request(end)


def begin() -> None:
    """Take the id that a proxy has given, or make one."""
    g.began = time.perf_counter()
    ids.request_id.set(ids.sane(request.headers.get(HEADER)) or ids.made())


def tell(response: Response) -> Response:
    """The id goes back; what was asked is named by its endpoint: paths hold keys, query strings hold names."""
    seconds = time.perf_counter() - g.began
    endpoint, status = request.endpoint or "none", response.status_code
    method = request.method if request.method in METHODS else "other"
    response.headers[HEADER] = ids.request_id.get() or ""
    if not endpoint.startswith("health."):
        metrics.REQUESTS.labels(endpoint, method, str(status)).inc()
        metrics.SECONDS.labels(endpoint, method).observe(seconds)
    if endpoint not in UNTOLD:
        fields = {"method": method, "endpoint": endpoint, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("%s %s %d", method, endpoint, status, extra={"fields": fields})
    return response


def end(_error: BaseException | None) -> None:
    """The thread goes on to other requests."""
    ids.request_id.set(None)
