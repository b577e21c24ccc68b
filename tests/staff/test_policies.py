"""参数设置."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.audit import AuditEntry
from app.db import db, transaction
from app.staff import service, settings
from tenants import calendar
from tenants.context import Tenant
from tests.conftest import PASSWORD, Site

FORM = {
    "deduct_policy": "only_in_full", "payment_order": "late_fee_first", "split_by": "reading_date", "estimate_from": "3",
    "high_volume": "60.5", "high_factor": "3", "receipt_paper": "a5", "pay_at": "镇政府一楼", "bill_day": "1", "deduct_day": "0",
}  # fmt: skip


def stored(name: str) -> Any:
    db.session.rollback()
    db.session.expire_all()
    return settings.get(name)


@pytest.mark.usefixtures("plant")
def test_what_is_changed_is_in_force_and_in_the_log(client: Site) -> None:
    assert client.post("/settings", data=FORM).status_code == 302
    assert "编辑成功" in client.get("/settings").text
    assert [stored(name) for name in ("deduct_policy", "high_volume", "pay_at")] == [
        "only_in_full",
        "60.5",
        "镇政府一楼",
    ]
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "setting")).all()
    assert entry.changes == {
        "deduct_policy": ["take_what_is_there", "only_in_full"],
        "high_volume": ["100", "60.5"],
        "pay_at": ["", "镇政府一楼"],
    }
    client.post("/settings", data=FORM)
    assert len(db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "setting")).all()) == 1


@pytest.mark.usefixtures("plant")
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"estimate_from": "0"}, "请填 1 到 12 的整数"),
        ({"high_factor": "很多"}, "请填 1 到 100 之间的数字"),
        ({"deduct_policy": "steal"}, "请选一项"),
        ({"bill_day": "0"}, "请填 1 到 31 的整数"),
        ({"bill_day": "32"}, "请填 1 到 31 的整数"),
        ({"bill_day": ""}, "请填 1 到 31 的整数"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_stored(client: Site, changes: dict[str, str], sentence: str) -> None:
    answer = client.post("/settings", data=FORM | changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "镇政府一楼" in answer.text
    assert stored("pay_at") == ""


def test_the_calendar_goes_to_the_registry_and_the_log_and_touches_no_other_plant(
    client: Site, plant: Tenant, neighbour: Tenant
) -> None:
    assert client.post("/settings", data=FORM | {"bill_day": "31", "deduct_day": "28"}).status_code == 302
    assert calendar.read(plant.id) == {"bill_day": 31, "deduct_day": 28}
    assert calendar.read(neighbour.id) == {"bill_day": 1, "deduct_day": 0}
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "setting")).all()
    assert entry.changes["bill_day"] == [1, 31]
    assert entry.changes["deduct_day"] == [0, 28]
    assert '<option selected value="28">每月 28 号</option>' in client.get("/settings").text
    client.post("/settings", data=FORM)
    assert calendar.read(plant.id) == {"bill_day": 1, "deduct_day": 0}


@pytest.mark.usefixtures("plant")
def test_a_day_that_no_month_has_is_not_stored(client: Site, plant: Tenant) -> None:
    for day in ("32", "-1", "x"):
        assert client.post("/settings", data=FORM | {"deduct_day": day}).status_code == 422
    assert calendar.read(plant.id)["deduct_day"] == 0


@pytest.mark.usefixtures("plant")
def test_only_the_manager_sets_them(site: Site) -> None:
    with transaction():
        service.create_staff(username="caiwu", password=PASSWORD, name="赵敏", role="accountant")
    site.log_in("caiwu")
    assert site.get("/settings").status_code == 403
    assert site.post("/settings", data=FORM).status_code == 403
