"""What the operator sees of the running system: ids, log lines, metrics, readiness. Nothing here is a plant's page."""

from __future__ import annotations

from flask import Flask

from app.observe import metrics, probes, requests, sending


def init(app: Flask) -> None:
    """Before anything else of the app, so that every hook of the others runs with the request's id."""
    requests.init(app)
    probes.init(app)
    sending.init()


def watch_pool(app: Flask) -> None:
    """Once the database is bound: count its connections in use."""
    metrics.watch_pool(app)
