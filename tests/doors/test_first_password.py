"""Whoever has a password that somebody else chose sees one page until it is changed: at both doors, after a reset too."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from app.db import db, transaction
from app.staff import service
from app.staff.models import StaffUser
from tenants import context, operators
from tenants.context import Tenant
from tests.conftest import Site
from tests.doors.crawl import Door, doors, guarded, stored
from tests.tenants.conftest import BASE, console, supporter

__all__ = ["console", "supporter"]
FREE = ("staff.change_password", "staff.log_out", "console.change_password", "console.log_out")


def knocked(site: Site, found: list[Door], **kwargs: object) -> dict[str, str]:
    """Where each door leads instead of opening; only those that do not lead to the one page."""
    wrong = {}
    for door in found:
        answer = door.knock(site, **kwargs)
        to = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
        if to not in ("/me/password", "/console/password"):
            wrong[str(door)] = f"{answer.status} {to}"
    return wrong


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_every_door_of_the_plant_is_shut_until_then(app: Flask, ours: Tenant, headers: dict[str, str]) -> None:
    with context.use(ours):
        with transaction():
            person = service.create_staff(username="fresh", password="x", name="新人", role="manager")
        with transaction():
            password = service.reset_password(person)
        db.session.remove()
    site = Site(app, ours)
    assert site.log_in("fresh", password).location == "/me/password"
    before = stored(ours)
    found = [door for door in guarded(doors(app, ours)) if door.endpoint not in FREE]
    assert knocked(site, found, headers=headers) == {}
    assert len(found) > 130
    assert stored(ours) == before
    site.post("/me/password", data={"old": password, "new": "another-password-2", "again": "another-password-2"})
    assert site.get("/customers").status_code == 200
    with context.use(ours), transaction():
        db.session.execute(delete(StaffUser).where(StaffUser.username == "fresh"))


def test_every_door_of_the_console_is_shut_until_then(
    app: Flask, ours: Tenant, console: FlaskClient, supporter: FlaskClient
) -> None:
    me = next(one.id for one in operators.everybody() if one.username == "supporter")
    page = console.post(f"/console/operators/{me}/password", base_url=BASE)
    password = re.search(r"初始密码</dt><dd>([^<]+)<", page.text)[1]  # type: ignore[index]
    site = Site(app, ours)
    site.base = BASE
    form = {"username": "supporter", "password": password}
    assert site.post("/console/login", data=form).status_code == 302
    found = [
        d for d in doors(app, ours) if d.endpoint.startswith("console.") and d.permission and d.endpoint not in FREE
    ]
    assert knocked(site, found) == {}
    assert len(found) > 30
