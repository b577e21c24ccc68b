"""夜间任务 of the plant: what its last nights did, and doing again what failed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.audit import AuditEntry
from app.db import db, transaction
from app.staff import service as staff
from tenants.context import Tenant
from tenants.models import PlantJob
from tenants.session import platform
from tests import nights as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

NIGHT = date(2026, 11, 1)


def words(html: str) -> str:
    """What a reader sees, blanks left out."""
    body = re.sub(r"<(script|style|noscript).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", "", re.sub(r"<[^>]*>", "", body))


def sent(app: Flask) -> list[str]:
    """Plants whose night waits in the queue."""
    waiting = (json.loads(one) for one in app.extensions["redis"].lrange("night", 0, -1))
    return [one["headers"]["argsrepr"] for one in waiting]


@pytest.fixture(autouse=True)
def _empty_queue(app: Flask) -> None:
    app.extensions["redis"].delete("night")


def test_the_page_says_what_each_night_did(client: Site, plant: Tenant) -> None:
    make.put(plant, NIGHT)
    make.put(plant, date(2026, 10, 31), "done")
    with platform() as session:  # a day that is not the 账单日
        session.execute(
            delete(PlantJob).where(PlantJob.plant_id == plant.id, PlantJob.business_date == date(2026, 10, 31))
            .where(PlantJob.kind.in_(("bills", "auto_deduct")))
        )  # fmt: skip
    with counter.on("2026-11-01"):
        page = client.get("/nights").text
    shown = words(page)
    assert "昨夜：出账2,450户¥78,900.00，自动扣费30户¥910.50" in shown
    assert '<progress class="bar bar-full" value="5" max="5" aria-label="这一夜的进度">' in page
    assert "没有账要出，也没有费要扣" in shown
    assert "最近2夜" in page.replace(" ", "")
    assert "40秒" in shown
    assert "hx-trigger" not in page
    assert "再做一次" not in page


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_night_under_way_moves_by_itself(client: Site, plant: Tenant, state: str) -> None:
    make.put(plant, NIGHT, state, at="late_fees")
    page = client.get("/nights").text
    assert 'value="2" max="5"' in page
    assert 'hx-get="/nights" hx-trigger="every 3s"' in page
    assert '<meta http-equiv="refresh"' in page
    part = client.get("/nights", headers={"HX-Request": "true", "HX-Target": "nights"}).text
    assert part.lstrip().startswith('<div id="nights"')


def test_nights_behind_a_failed_one_wait_for_it_and_the_page_stands_still(client: Site, plant: Tenant) -> None:
    make.put(plant, NIGHT, "failed")
    make.put(plant, date(2026, 11, 2), "queued", at="resume")
    page = client.get("/nights").text
    assert "等 2026-11-01 那一夜先做成" in page
    assert "hx-trigger" not in page  # nothing moves until somebody presses the button, which must not be swapped away
    assert page.count("再做一次</button>") == 1


def test_thirty_nights_are_shown_in_whole(client: Site, plant: Tenant) -> None:
    for day in range(1, 32):
        make.put(plant, date(2026, 10, day))
    page = client.get("/nights").text
    assert "2026-10-02" in page
    assert "2026-10-01" not in page


def test_a_plant_without_nights_says_when_they_come(client: Site) -> None:
    assert "到了夜里系统会自动做" in client.get("/nights").text


def test_what_failed_says_why_and_is_done_again_from_there(app: Flask, client: Site, plant: Tenant) -> None:
    make.put(plant, NIGHT, "failed")
    page = client.get("/nights").text
    assert make.NO_TARIFF in page
    assert "改好以后点「再做一次」" in page
    assert "看收费标准" in page
    answer = client.post(f"/nights/{NIGHT}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/nights")
    assert "2026-11-01 的夜间任务已重新排队" in client.get("/nights").text
    assert make.states(plant, NIGHT) == {
        "resume": "done", "bills": "queued", "late_fees": "queued", "auto_deduct": "queued", "reports": "queued",
    }  # fmt: skip
    assert sent(app) == [f"['{plant.slug}']"]
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "night")).all()
    assert (entry.changes, entry.by_name) == ({"retried": "2026-11-01"}, "站长")


def test_what_broke_by_itself_is_not_shown_to_the_plant(client: Site, plant: Tenant) -> None:
    make.put(plant, NIGHT, "failed", error="psycopg.OperationalError: gone")
    page = client.get("/nights").text
    assert "psycopg" not in page
    assert "请联系平台运营人员" in page
    assert "再做一次" in page


@pytest.mark.parametrize("state", ["done", "running", "queued"])
def test_only_what_failed_is_done_again(app: Flask, client: Site, plant: Tenant, state: str) -> None:
    make.put(plant, NIGHT, state)
    before = make.states(plant, NIGHT)
    client.post(f"/nights/{NIGHT}/retry")
    assert "没有失败的任务，不用再做" in client.get("/nights").text
    assert make.states(plant, NIGHT) == before
    assert sent(app) == []


def test_a_plant_does_again_its_own_night_only(app: Flask, client: Site, plant: Tenant, neighbour: Tenant) -> None:
    make.put(neighbour, NIGHT, "failed")
    try:
        assert make.NO_TARIFF not in client.get("/nights").text
        client.post(f"/nights/{NIGHT}/retry")
        assert make.states(neighbour, NIGHT)["bills"] == "failed"
        assert client.post(f"/console/nights/{NIGHT}/plants/{neighbour.id}/retry").status_code == 404
        assert make.states(neighbour, NIGHT)["bills"] == "failed"
        assert sent(app) == []
        assert client.post("/nights/nonsense/retry").status_code == 404
    finally:
        with platform() as session:
            session.execute(delete(PlantJob).where(PlantJob.plant_id == neighbour.id))


@pytest.mark.parametrize(
    ("role", "may"), [("accountant", True), ("cashier", False), ("reader", False), ("clerk", False)]
)
def test_the_manager_and_the_accountant_see_it(site: Site, plant: Tenant, role: str, may: bool) -> None:
    make.put(plant, NIGHT, "failed")
    with transaction():
        staff.create_staff(username="other", password=PASSWORD, name="同事", role=role)
    site.log_in("other")
    assert site.get("/nights").status_code == (200 if may else 403)
    assert site.post(f"/nights/{NIGHT}/retry").status_code == (302 if may else 403)
    assert (make.states(plant, NIGHT)["bills"] == "queued") == may
    home = site.get("/").text
    assert ('href="/nights"' in home) == may  # the menu, the bell and the sentence
    assert "11月1日" in home


def test_the_sentence_and_the_bell_lead_there_from_home(client: Site, plant: Tenant) -> None:
    make.put(plant, NIGHT, "failed")
    with counter.on("2026-11-02"):
        page = client.get("/").text
    assert 'class="chip chip-bell" href="/nights"' in page
    assert '<a href="/nights" class="owed">11月1日出账没有完成：' in page


def test_thirty_nights_cost_no_more_queries(
    client: Site, plant: Tenant, count_queries: Callable[[], AbstractContextManager[list[str]]]
) -> None:
    for day in range(1, 31):
        make.put(plant, date(2026, 10, day))
    client.get("/nights")
    with count_queries() as seen:
        client.get("/nights")
    assert len(seen) <= 5, seen
