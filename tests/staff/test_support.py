"""技术支持: an operator looks into a plant, changes nothing, and both logs say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update
from sqlalchemy.exc import InternalError

from app.audit import AuditEntry
from app.db import db
from app.staff.models import StaffUser
from tenants import context, operator_log, support
from tenants.context import Tenant
from tenants.models import Operator, SupportAccess
from tenants.session import platform
from tests import factories as make
from tests.conftest import Site
from tests.tenants.conftest import BASE, operator

REASON = "站长来电，账单对不上"


@pytest.fixture
def supporter(app: Flask) -> FlaskClient:
    """技术支持, logged in."""
    return operator(app, "helper", "吴支持", "support")


def ticket(supporter: FlaskClient, plant: Tenant) -> str:
    """The path on the plant's site that the console's link leads to."""
    data = {"reason": REASON, "minutes": "60"}
    page = supporter.post(f"/console/plants/{plant.id}/support", data=data, base_url=BASE)
    assert page.headers["Cache-Control"] == "no-store"
    found = re.search(rf"//{plant.slug}\.localhost(/support/[\w-]+)", page.text)
    assert found
    return found[1]


@pytest.fixture
def visit(supporter: FlaskClient, site: Site, plant: Tenant) -> Iterator[Site]:
    """The plant's site, an operator looking."""
    answer = site.get(ticket(supporter, plant))
    assert (answer.status_code, answer.location) == (302, "/")
    yield site
    db.session.rollback()


def change_access(**values: Any) -> None:
    with platform() as session:
        last = select(SupportAccess.id).order_by(SupportAccess.id.desc()).limit(1).scalar_subquery()
        session.execute(update(SupportAccess).where(SupportAccess.id == last).values(**values))


def told(plant: Tenant) -> list[tuple[str, str, dict[str, Any]]]:
    """What the plant's log says of support, oldest first."""
    db.session.rollback()
    lines = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "support").order_by(AuditEntry.id))
    return [(line.action, line.by_name, line.changes) for line in lines]


def test_every_page_says_who_looks_until_when_and_why(visit: Site) -> None:
    for path in ("/", "/customers", "/tariffs", "/meters/"):
        page = visit.get(path)
        assert page.status_code == 200, path
        assert all(word in page.text for word in ("运营人员 吴支持 正在只读查看", REASON, "结束查看")), path
    assert "修改密码" not in visit.get("/").text


def test_it_changes_nothing_by_any_method(visit: Site, plant: Tenant) -> None:
    before = db.session.scalars(select(StaffUser.name)).all()
    for call in (visit.client.post, visit.client.put, visit.client.patch, visit.client.delete):
        for path in ("/staff/new", "/me", "/logout", "/login", "/nowhere"):
            answer = visit._call(call, path, data={"name": "改了", "username": "new", "role": "manager"})
            assert (answer.status_code, "不能修改或办理任何业务" in answer.text) == (403, True), path
    db.session.rollback()
    assert db.session.scalars(select(StaffUser.name)).all() == before


def test_the_database_itself_refuses_a_change_on_a_get(
    app: Flask, visit: Site, plant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changes() -> str:
        db.session.execute(text("UPDATE staff_user SET name = '改了'"))
        db.session.commit()
        return "done"

    monkeypatch.setitem(app.view_functions, "dashboard.home", changes)
    answer = visit.get("/")
    assert (answer.status_code, "只读查看" in answer.text) == (403, True)
    assert "改了" not in db.session.scalars(select(StaffUser.name)).all()


def test_a_read_only_plant_reads_and_cannot_write(plant: Tenant) -> None:
    db.session.remove()
    with context.use(replace(plant, read_only=True)):
        assert db.session.scalar(select(StaffUser.id)) is not None
        with pytest.raises(InternalError, match="read-only"):
            make.customer()
        db.session.rollback()


def test_forms_for_changing_are_not_even_shown(visit: Site) -> None:
    assert visit.get("/staff/new").status_code == 403
    assert visit.get("/customers/new").status_code == 403


def test_both_logs_tell_of_its_beginning_and_end(visit: Site, plant: Tenant) -> None:
    assert [(action, by, changes["reason"]) for action, by, changes in told(plant)] == [
        ("support_began", "运营人员 吴支持", REASON)
    ]
    ended = visit.post("/support/end")
    assert (ended.status_code, "查看已结束" in ended.text) == (200, True)
    assert visit.get("/").status_code == 302
    assert [(action, by) for action, by, _ in told(plant)][1:] == [("support_ended", "运营人员 吴支持")]
    lines = operator_log.of_plant(plant.id, last=9)
    assert [line.action for line in lines] == ["ended", "looked", "support"]
    assert lines[2].what == f"{REASON}（60 分钟，只读）"


def test_it_ends_by_itself(visit: Site, plant: Tenant) -> None:
    assert visit.get("/").status_code == 200
    with platform() as session:
        session.execute(text("UPDATE platform.support_access SET until = now() WHERE plant_id = :id"), {"id": plant.id})
    over = visit.get("/")
    assert "查看时间已到" in over.text
    assert visit.get("/").status_code == 302
    assert [action for action, _, _ in told(plant)] == ["support_began", "support_ended"]


def test_a_copied_cookie_is_nothing_once_it_has_ended(app: Flask, visit: Site, plant: Tenant) -> None:
    stolen = visit.client.get_cookie("qingqu", domain=f"{plant.slug}.localhost")
    assert stolen
    visit.post("/support/end")
    thief = Site(app, plant)
    thief.client.set_cookie("qingqu", stolen.value, domain=f"{plant.slug}.localhost")
    assert "吴支持" not in thief.get("/").text


def test_a_disabled_operator_sees_nothing_more(visit: Site) -> None:
    with platform() as session:
        session.execute(update(Operator).where(Operator.username == "helper").values(active=False))
    assert "查看时间已到" in visit.get("/").text


def test_a_ticket_is_good_once(app: Flask, supporter: FlaskClient, plant: Tenant) -> None:
    path = ticket(supporter, plant)
    assert Site(app, plant).get(path).status_code == 302
    again = Site(app, plant)
    assert (again.get(path).status_code, again.get("/").status_code) == (403, 302)


def test_a_ticket_is_good_for_its_plant_and_for_two_minutes(
    app: Flask, supporter: FlaskClient, plant: Tenant, neighbour: Tenant
) -> None:
    path = ticket(supporter, plant)
    assert Site(app, neighbour).get(path).status_code == 403
    with platform() as session:
        session.execute(text("UPDATE platform.support_access SET issued_at = issued_at - interval '3 minutes'"))
    assert Site(app, plant).get(path).status_code == 403
    assert Site(app, plant).get("/support/made-up").status_code == 403


def test_its_cookie_is_nobody_at_another_plant(app: Flask, visit: Site, plant: Tenant, neighbour: Tenant) -> None:
    cookie = visit.client.get_cookie("qingqu", domain=f"{plant.slug}.localhost")
    assert cookie
    other = Site(app, neighbour)
    other.client.set_cookie("qingqu", cookie.value, domain=f"{neighbour.slug}.localhost")
    assert "吴支持" not in other.get("/").text


def test_a_reason_is_asked_for(supporter: FlaskClient, plant: Tenant) -> None:
    page = supporter.post(f"/console/plants/{plant.id}/support", data={"minutes": "60"}, base_url=BASE)
    assert (page.status_code, "请填写原因" in page.text) == (422, True)
    page = supporter.post(f"/console/plants/{plant.id}/support", data={"reason": "长", "minutes": "600"}, base_url=BASE)
    assert page.status_code == 422


def test_one_who_comes_again_may_while_the_first_access_lasts(
    visit: Site, supporter: FlaskClient, plant: Tenant
) -> None:
    again = visit.get(ticket(supporter, plant))
    assert again.status_code == 302, again.text
    assert visit.get("/").status_code == 200


def test_what_ended_by_itself_is_told_when_the_next_one_comes(
    app: Flask, supporter: FlaskClient, plant: Tenant
) -> None:
    access = support.enter(ticket(supporter, plant).rpartition("/")[2], plant.id, address="")
    assert access
    change_access(until=access.until.replace(year=2020))
    Site(app, plant).get(ticket(supporter, plant))
    assert [action for action, _, _ in told(plant)] == ["support_ended", "support_began"]
