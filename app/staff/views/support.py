"""技术支持: an operator comes in with a ticket of the console, only looks, and the plant's log says when and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import login_user

from app import audit
from app.db import db, transaction
from app.permissions import public
from app.staff.views.blueprint import blueprint
from app.staff.visitor import Visitor
from app.web.errors import ONLY_LOOKS, respond
from app.web.template_helpers import home_url, moment
from tenants import context, support
from tenants.support import Access

SAFE = ("GET", "HEAD", "OPTIONS")


@blueprint.before_app_request
def only_look() -> ResponseReturnValue | None:
    """A session of support access may only GET; once its time is over it may nothing."""
    tenant = context.current_or_none()
    if tenant is None or not tenant.read_only or request.endpoint in ("static", "staff.end_support"):
        return None
    if g.get("support") is None:
        return _over("查看时间已到，已自动结束。")
    return None if request.method in SAFE else respond(403, ONLY_LOOKS)


@blueprint.get("/support/<ticket>")
@public
def enter_support(ticket: str) -> ResponseReturnValue:
    """进入查看: a ticket is good once, and for two minutes."""
    tenant = context.current()
    access = support.enter(ticket, tenant.id, address=request.remote_addr or "")
    if access is None:
        sentence = "这个链接已经用过或过期了，请到运营台重新申请。"
        return render_template("staff/support_over.html", sentence=sentence), 403
    session.clear()
    session["plant"], session[support.SESSION_KEY] = tenant.id, access.id
    login_user(Visitor(access))
    with _writing():
        _tell_ended()
        told = {"operator": access.operator, "reason": access.reason, "until": moment(access.until)}
        audit.record("support_began", "support", access.id, told)
    return redirect(home_url())


@blueprint.post("/support/end")
@public
def end_support() -> ResponseReturnValue:
    """结束查看."""
    access: Access | None = g.get("support")
    if access:
        support.end(access.id, address=request.remote_addr or "")
    return _over("查看已结束。")


def _over(sentence: str) -> ResponseReturnValue:
    """Out, with a line in the plant's log."""
    session.clear()
    with _writing():
        _tell_ended()
    return render_template("staff/support_over.html", sentence=sentence)


@contextmanager
def _writing() -> Iterator[None]:
    """One transaction that may write, though the visitor's own may not."""
    db.session.rollback()
    with context.use(replace(context.current(), read_only=False)), transaction():
        yield


def _tell_ended() -> None:
    """Lines for the accesses that are over, also those that ended by themselves."""
    for access in support.claim_ended(context.current().id):
        audit.record("support_ended", "support", access.id, {"operator": access.operator, "at": moment(access.until)})
