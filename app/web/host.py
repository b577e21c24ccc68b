"""From the request's host name to the plant; everything after it runs as that plant, or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from flask import Flask, current_app, g, make_response, redirect, render_template, request, session, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as ResponseValue

from app.limits import FREE_PATHS
from tenants import context, fleet, resolver, support


def init(app: Flask) -> None:
    """Enter the plant before each request and leave it afterwards."""
    app.before_request(enter_plant)
    app.teardown_request(leave_plant)


def is_console() -> bool:
    """Whether the request came to the operator's host."""
    return resolver.subdomain(request.host) == str(current_app.config["CONSOLE_HOST"])


def enter_plant() -> ResponseValue | None:
    """Set the plant for this request; unknown and suspended ones get a page that says so."""
    if request.path.startswith(FREE_PATHS):
        return None
    if is_console() and request.path == "/":
        return redirect(url_for("console.plants"))
    if is_console() or request.blueprint == "console":
        # The operator's pages live on the operator's host, and nothing else does.
        wrong_door = is_console() != (request.blueprint == "console")
        return make_response(render_template("errors/404.html"), 404) if wrong_door else None
    tenant = resolver.by_host(request.host)
    if tenant is None or tenant.state == "archived":
        return make_response(render_template("errors/unknown_plant.html", host=request.host), 404)
    if tenant.state == "suspended":
        return make_response(render_template("errors/suspended.html", plant=tenant), 503)
    try:
        tenant = fleet.bring_up(tenant)
    except SQLAlchemyError:
        current_app.logger.exception("%s could not be moved to the newest tables", tenant.slug)
        return make_response(render_template("errors/upgrading.html", plant=tenant), 503)
    g.plant_stack = ExitStack()
    g.plant_stack.enter_context(context.use(_as_visited(tenant)))
    return None


def _as_visited(tenant: context.Tenant) -> context.Tenant:
    """Read-only for an operator on a support access, whose access is then `g.support`."""
    g.support = support.in_force(session.get(support.SESSION_KEY), tenant.id)
    return replace(tenant, read_only=True) if support.SESSION_KEY in session else tenant


def leave_plant(_error: BaseException | None) -> None:
    """No plant is in force after the request."""
    g.pop("support", None)
    stack: ExitStack | None = g.pop("plant_stack", None)
    if stack:
        stack.close()
