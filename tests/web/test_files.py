"""Files that take long: asked for on a page, made by a worker, fetched once by whoever asked."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import func, select
from werkzeug.exceptions import Forbidden

from app import clock
from app.audit import AuditEntry
from app.billing.service import issue_bills
from app.db import db, transaction
from app.intake.models import ImportJob
from app.staff.models import StaffUser
from app.staff.service import create_staff
from app.web import files
from seeds import big
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter
from tests.processes import running, wait_until

WORKER = ("celery", "-A", "worker.celery", "worker", "-P", "solo", "-Q", "people", "-l", "warning")
OWING = 12
NOTICES = "/owing/notices.pdf?all=1"


@pytest.fixture
def owing(plant: Tenant) -> None:
    """Twelve accounts that owe a month: more notices than anybody waits for."""
    with transaction():
        make.tariff()
        big.fill(OWING)
        big.read("2026-10")
        issue_bills("2026-10", on=counter.ISSUED, by_id=None)


def job() -> ImportJob:
    db.session.rollback()
    return db.session.scalars(select(ImportJob).execution_options(populate_existing=True)).one()


def notified() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(AuditEntry.action == "notified")) or 0


def finished() -> bool:
    return job().state not in files.UNDER_WAY


@pytest.fixture(scope="module")
def worker(app: Flask) -> Iterator[None]:
    """A Celery worker, for the last tests: those before look at what waits for one."""
    app.extensions["redis"].delete("people")
    with running(app, *WORKER):
        yield


def test_many_notices_are_asked_for_once_and_waited_for_on_a_page(client: Site, owing: None) -> None:
    asked = client.get(NOTICES, headers={"Referer": f"{client.base}/owing?tab=due"})
    assert (asked.status_code, client.get(NOTICES).location) == (302, asked.location)
    assert (job().state, job().options) == (
        "uploaded",
        {"path": NOTICES, "parts": OWING, "unit": "户", "back": "/owing?tab=due"},
    )
    page = client.get(asked.location).text
    for words in ("催缴通知单 12 户", "正在排队", 'hx-trigger="every 1s"', 'http-equiv="refresh"', "/owing?tab=due"):
        assert words in page, words
    assert "后台还没有开始做" not in page
    assert notified() == 0


def test_a_page_that_no_worker_answers_says_so(client: Site, owing: None) -> None:
    asked = client.get(NOTICES)
    with clock.at(clock.now() + timedelta(seconds=11)):
        assert "后台还没有开始做" in client.get(asked.location).text
        assert client.get(NOTICES).location == asked.location  # 再排一次队


def test_nobody_else_sees_it(app: Flask, client: Site, plant: Tenant, owing: None) -> None:
    address = client.get(NOTICES).location
    with transaction():
        create_staff(username="wang", name="王芳", role="manager", password=PASSWORD)
    other = Site(app, plant)
    other.log_in("wang")
    assert [client.get(address).status_code, other.get(address).status_code] == [200, 404]
    assert other.get(f"{address}/content").status_code == 404


def make_here(number: int) -> None:
    """What a worker does, and what may break off after it."""
    asked = files.asked(number)
    assert asked
    with files.request_of(number, *asked), transaction():
        files.make(number)
        raise InterruptedError


def test_the_worker_has_the_rights_that_the_person_has_by_then(client: Site, owing: None) -> None:
    client.get(NOTICES)
    with transaction():
        db.session.scalars(select(StaffUser).where(StaffUser.username == "admin")).one().role = "reader"
    with pytest.raises(Forbidden):
        make_here(job().id)
    assert (job().content, notified()) == (None, 0)


def test_what_breaks_off_stores_nothing_of_what_it_did(client: Site, owing: None) -> None:
    client.get(NOTICES)
    with pytest.raises(InterruptedError):
        make_here(job().id)
    assert (job().state, job().content, notified()) == ("running", None, 0)


def test_why_there_is_no_file_is_said_on_its_page(client: Site, owing: None) -> None:
    address = client.get(NOTICES).location
    with transaction():
        files.fail(job().id, "纸用完了")
    assert "没有做成：纸用完了" in client.get(address).text
    assert client.get(NOTICES).location != address  # 重新生成


def test_a_worker_makes_it_once_however_often_it_is_told(
    app: Flask, client: Site, plant: Tenant, owing: None, worker: None
) -> None:
    address = client.get(NOTICES).location
    for _ in range(2):
        app.extensions["celery"].send_task(files.TASK, args=[plant.slug, job().id], queue="people")
    wait_until(finished, "it was not made")
    page = client.get(address).text
    assert "做好了，请取走" in page
    assert "打开并打印" in page
    file = client.get(f"{address}/content")
    assert file.headers["Content-Disposition"].startswith("inline; filename*=UTF-8''%E5%82%AC")
    assert file.headers["Cache-Control"] == "no-store"
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(file.data)).pages]
    assert len(pages) == OWING
    assert len({text.split("户号：")[1][:8] for text in pages}) == OWING
    assert client.get(f"{address}/content").data == file.data  # the viewer asks again
    with clock.at(clock.now() + files.AGAIN + timedelta(seconds=1)):
        assert client.get(f"{address}/content").location == address
        assert "已经取走" in client.get(address).text
    assert job().content is None
    wait_until(lambda: app.extensions["redis"].llen("people") == 0, "the worker has not been told twice more")
    assert notified() == OWING


def test_a_long_list_is_exported_by_a_worker_with_a_bar(client: Site, plant: Tenant, worker: None) -> None:
    with transaction():
        make.tariff()
        big.fill(5_001)
    assert '<a class="btn" id="list-export" href="/customers?export=xlsx"  >' in client.get("/customers").text
    address = client.get("/customers?export=xlsx").location
    assert job().options["parts"] == 5_001
    wait_until(finished, "it was not made")
    assert job().progress > 0
    file = client.get(f"{address}/content")
    assert file.headers["Content-Disposition"].startswith("attachment")
    sheet = load_workbook(io.BytesIO(file.data), read_only=True).active
    assert sheet is not None
    assert sum(1 for _ in sheet.iter_rows()) == 5_002
    assert "下载文件" in client.get(address).text
    taken = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).one()  # by who fetched it
    assert (taken.by_name, taken.changes["list"], taken.changes["rows"]) == ("站长", "用户档案", 5_001)
    assert client.get("/customers?export=xlsx&q=90000123").status_code == 200  # a few of them at once
