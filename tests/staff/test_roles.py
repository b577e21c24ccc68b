"""岗位权限: what a plant lets its roles do."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import permissions
from app.audit import AuditEntry
from app.db import db, transaction
from app.permissions import MANAGERS_ONLY, NEEDS, ROLES, Permission
from app.staff import roles as matrix
from app.staff import settings
from tenants import context
from tenants.context import Tenant
from tests.areas.test_readers import hired
from tests.conftest import PASSWORD, Site
from tests.doors.forms import Page
from tests.queries import count_queries

__all__ = ["count_queries"]
P = Permission


def ticked(site: Site) -> dict[str, set[str]]:
    """The page's ticks by role, as a browser would send them."""
    page = Page("/staff/roles", site.get("/staff/roles").text)
    (form,) = [
        form for form in page.forms if (form.path, form.method, bool(form.ticks)) == ("/staff/roles", "post", True)
    ]
    return form.ticks


def save(site: Site, ticks: dict[str, set[str]]) -> Any:
    """Send the form as a browser without JavaScript does."""
    return site.post("/staff/roles", data={role: sorted(names) for role, names in ticks.items()})


def changed(site: Site, role: str, *, give: tuple[P, ...] = (), take: tuple[P, ...] = ()) -> Any:
    ticks = ticked(site)
    ticks[role] = (ticks.get(role, set()) | {p.value for p in give}) - {p.value for p in take}
    return save(site, ticks)


def stored() -> Any:
    db.session.rollback()
    db.session.expire_all()
    return settings.get(permissions.SETTING)


def entered(app: Flask, plant: Tenant, role: str) -> Site:
    """The plant's site, somebody of that role logged in."""
    hired(role, role, role)
    site = Site(app, plant)
    assert site.log_in(role, PASSWORD).status_code == 302
    return site


def log() -> list[dict[str, Any]]:
    return list(
        db.session.scalars(select(AuditEntry.changes).where(AuditEntry.entity == "role").order_by(AuditEntry.id))
    )


def test_the_matrix_has_every_permission_once() -> None:
    rows = [right.permission for _, rights in matrix.GROUPS for right in rights]
    assert sorted(rows) == sorted(Permission)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_what_is_usual_has_all_that_it_needs(role: str) -> None:
    usual = ROLES[role][1]
    assert permissions.complete(usual) == usual
    assert role == "manager" or not usual & MANAGERS_ONLY


@pytest.mark.usefixtures("plant")
def test_the_page_ticks_what_each_role_may(client: Site) -> None:
    ticks = ticked(client)
    assert "manager" not in ticks
    for role in sorted(ROLES.keys() - {"manager"}):
        usual = {p.value for p in ROLES[role][1]}
        assert ticks[role] == usual - {"view_home", "manage_staff"}
    assert "岗位权限" in client.get("/staff").text


def test_what_is_given_holds_at_once_and_the_menu_follows(app: Flask, client: Site, plant: Tenant) -> None:
    reader = entered(app, plant, "reader")
    assert (reader.get("/counter").status_code, "前台收费" in reader.get("/").text) == (403, False)
    assert changed(client, "reader", give=(P.CHARGE,)).status_code == 302
    assert (reader.get("/counter").status_code, "前台收费" in reader.get("/").text) == (200, True)
    assert (
        "抄表员的「看账单、缴费订单、日结」" in client.get("/staff/roles").text
    )  # what it needs came with it, and was said
    assert stored() == {"reader": {"charge": True, "view_bills": True}}
    assert log() == [{"reader.charge": [False, True], "reader.view_bills": [False, True]}]


def test_what_is_taken_away_is_shut_at_once(app: Flask, client: Site, plant: Tenant) -> None:
    cashier = entered(app, plant, "cashier")
    assert cashier.get("/reports/customers").status_code == 200
    changed(client, "cashier", take=(P.VIEW_REPORTS,))
    assert cashier.get("/reports/customers").status_code == 403
    assert "已改" in client.get("/staff/roles").text
    with context.use(plant):  # also where nobody is logged in: workers, commands
        assert not permissions.allowed("cashier", P.VIEW_REPORTS)


@pytest.mark.usefixtures("plant")
def test_saving_without_a_change_writes_nothing(client: Site) -> None:
    assert save(client, ticked(client)).status_code == 302
    assert (stored(), log()) == ({}, [])


def test_nobody_locks_himself_or_others_out(app: Flask, client: Site, plant: Tenant) -> None:
    reader = entered(app, plant, "reader")
    everything = [p.value for p in Permission]
    sent = {"manager": [], "reader": ["manage_staff", "unheard_of"], "clerk": everything}
    assert client.post("/staff/roles", data=sent).status_code == 302
    assert client.get("/staff/roles").status_code == 200
    assert reader.get("/").status_code == 200  # the home page and the own password stay
    assert reader.get("/me/password").status_code == 200
    assert reader.get("/staff").status_code == 403  # whoever has it could make himself 站长
    for role in ROLES.keys() - {"manager"}:
        with context.use(plant):
            assert not permissions.allowed(role, P.MANAGE_STAFF)


@pytest.mark.usefixtures("plant")
def test_what_needs_something_cannot_be_without_it(client: Site) -> None:
    for one, needed in NEEDS.items():
        with transaction():
            matrix.restore_roles()
            matrix.change_roles({"reader": {one}})
        assert permissions.of_role("reader") >= needed | {one}
    assert client.get("/staff/roles").status_code == 200


@pytest.mark.usefixtures("plant")
def test_the_usual_is_restored_and_the_log_says_so(client: Site) -> None:
    changed(client, "clerk", take=(P.SEE_PERSONAL,))  # 新增、修改 needs it, and keeps it
    changed(client, "accountant", take=(P.EDIT_TARIFFS,))
    assert stored() == {"accountant": {"edit_tariffs": False}}
    assert client.post("/staff/roles/default").status_code == 302
    assert stored() == {}
    assert log()[-1] == {"accountant.edit_tariffs": [False, True]}


@pytest.mark.parametrize("role", sorted(ROLES.keys() - {"manager"}))
def test_only_the_manager_sees_and_changes_it(app: Flask, client: Site, plant: Tenant, role: str) -> None:
    site = entered(app, plant, role)
    assert client.get("/staff/roles").status_code == 200
    assert site.get("/staff/roles").status_code == 403
    assert site.post("/staff/roles", data={role: ["charge"]}).status_code == 403
    assert site.post("/staff/roles/default").status_code == 403
    assert stored() == {}


def test_another_plant_has_its_own(app: Flask, client: Site, plant: Tenant, neighbour: Tenant) -> None:
    changed(client, "reader", give=(P.CHARGE,))
    for tenant, may in ((plant, True), (neighbour, False)):
        with context.use(tenant):
            db.session.rollback()
            assert permissions.allowed("reader", P.CHARGE) is may
            db.session.rollback()


def test_no_page_asks_for_it_by_itself(app: Flask, client: Site, plant: Tenant, count_queries: Any) -> None:
    changed(client, "reader", give=(P.CHARGE,))
    reader = entered(app, plant, "reader")
    reader.get("/")
    with count_queries() as seen:
        assert reader.get("/me").status_code == 200
    assert len([statement for statement in seen if "setting" in statement]) == 1
    assert "staff_user" in next(statement for statement in seen if "setting" in statement)


@pytest.mark.usefixtures("plant")
def test_a_row_written_by_hand_gives_no_more_and_takes_nothing_from_the_manager() -> None:
    written = {"reader": {"manage_staff": True, "unheard_of": True}, "manager": {"charge": False}, "nobody": {}}
    with transaction():
        settings.put(permissions.SETTING, written)
    assert permissions.of_role("reader") == ROLES["reader"][1]
    assert permissions.of_role("manager") == frozenset(Permission)
