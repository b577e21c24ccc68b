"""导入 on the screen: template → upload → preview → confirm → result (figures 4.1-1 and 7.1-2)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.customers.models import Customer
from app.db import db, transaction
from app.intake import service
from app.intake.models import ImportJob
from app.staff.service import create_staff
from app.tariffs.models import Quota
from tenants.context import Tenant
from tests.conftest import PASSWORD, Site
from tests.intake.workbooks import SEEDS, sheet
from tests.processes import running, wait_until

QUOTAS = SEEDS / "用水定额.xlsx"
VILLAGE = SEEDS / "liushu" / "水费登记册.xlsx"
KINDS = ("customers", "readings", "meters", "quotas")


def upload(site: Site, kind: str, file: Path | BytesIO, **options: str) -> Any:
    content = file.read_bytes() if isinstance(file, Path) else file.getvalue()
    name = file.name if isinstance(file, Path) else "表.xlsx"
    return site.post(f"/imports/{kind}", data={"file": (BytesIO(content), name), **options})


def job() -> ImportJob:
    db.session.rollback()
    return db.session.scalars(
        select(ImportJob).order_by(ImportJob.id.desc()).execution_options(populate_existing=True)
    ).first()  # type: ignore[return-value]


def count(model: type[Any]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_offers_the_template_and_asks_what_the_sheet_may_lack(client: Site, kind: str) -> None:
    page = client.get(f"/imports/{kind}")
    assert page.status_code == 200
    assert "下载模板" in page.text
    template = client.get(f"/imports/{kind}/template.xlsx")
    assert load_workbook(BytesIO(template.data)).worksheets[0].max_row == 2
    if kind == "customers":
        assert all(f'name="{name}"' in page.text for name in ("use_category", "district", "route", "people", "prefix"))


def test_a_workbook_is_previewed_confirmed_once_and_stored(client: Site) -> None:
    sent = upload(client, "quotas", QUOTAS)
    assert sent.status_code == 302
    page = client.get(sent.location).text
    assert "还没有保存" in page
    assert "确认导入" in page
    assert (job().state, count(Quota)) == ("previewed", 0)
    for _ in range(2):
        done = client.post(f"{sent.location}/confirmation")
        assert done.status_code == 302
    page = client.get(done.location).text
    assert "导入成功" in page
    assert "10 行已保存" in page
    assert (job().state, job().content, count(Quota)) == ("done", None, 10)


def test_the_village_register_shows_its_errors_and_hands_them_out(client: Site) -> None:
    sent = upload(
        client, "customers", VILLAGE, people="4", route="一册", use_category="居民生活用水", since="2020-01-01"
    )
    page = client.get(sent.location).text
    for words in ("与第 7 行重复", "缺失，请补填", "不是 11 位手机号", "无表户：按不抄表水费导入", "区名 柳树村"):
        assert words in page
    for state in ("previewed", "done"):
        assert job().state == state
        rows = load_workbook(BytesIO(client.get(f"{sent.location}/errors.xlsx").data)).worksheets[0].values
        assert [row[0] for row in rows] == ["序号", 21, 56, 201]
        client.post(f"{sent.location}/confirmation")
    assert count(Customer) == 309


def test_a_wrong_file_and_a_wrong_answer_are_said_in_the_form_and_nothing_is_kept(client: Site) -> None:
    for file, options, words in (
        (BytesIO(b"hello"), {}, "不是 Excel 工作簿"),
        (sheet(("姓名", "电话"), ("刘文海", None)), {"people": "很多"}, "每户人口：格式不对"),
        (sheet(("口径",), (15,)), {}, "「户名」"),
    ):
        page = upload(client, "customers", file, **options)
        assert page.status_code == 422
        assert words in page.text
    assert "请选择要导入的" in client.post("/imports/customers", data={}).text
    assert count(ImportJob) == 0


def test_what_a_person_may_not_change_he_may_not_import(client: Site, site: Site) -> None:
    with transaction():
        create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
    site.post("/logout")
    site.log_in("li")
    assert [site.get(f"/imports/{kind}").status_code for kind in KINDS] == [403, 200, 403, 403]
    assert upload(site, "quotas", QUOTAS).status_code == 403


def test_a_job_of_another_kind_is_not_found(client: Site) -> None:
    sent = upload(client, "quotas", QUOTAS)
    assert client.get(sent.location.replace("quotas", "meters")).status_code == 404


def test_what_another_person_stored_meanwhile_is_skipped(client: Site) -> None:
    first, second = upload(client, "quotas", QUOTAS), upload(client, "quotas", QUOTAS)
    client.post(f"{first.location}/confirmation")
    client.post(f"{second.location}/confirmation")
    assert count(Quota) == 10
    assert "10" in client.get(second.location).text


def large() -> BytesIO:
    head = ("表号", "口径", "底数")
    return sheet(head, *((f"BIG{n:06d}", "DN20", 3) for n in range(2_500)), ("BIG000000", "DN20", 3))


def test_a_large_one_is_left_to_the_worker_and_the_page_asks_again(client: Site) -> None:
    sent = upload(client, "meters", large())
    assert job().state == "uploaded"
    page = client.get(sent.location).text
    assert 'hx-trigger="every 1s"' in page
    assert "正在检查" in page


def test_a_worker_takes_a_large_one_while_the_bar_moves(app: Flask, client: Site, plant: Tenant) -> None:
    with running(app, "celery", "-A", "worker.celery", "worker", "-P", "solo", "-Q", "people", "-l", "warning"):
        sent = upload(client, "meters", large())
        wait_until(lambda: job().state == "previewed", "it was not previewed")
        assert "可导入" in client.get(sent.location).text
        client.post(f"{sent.location}/confirmation")
        wait_until(lambda: job().state == "done", "it was not imported")
    assert (job().progress, job().result["stored"]) == (2_501, {"meters": 2_500})  # type: ignore[index]
    assert "导入成功" in client.get(sent.location).text


def test_progress_is_seen_before_the_import_ends(plant: Tenant) -> None:
    with transaction():
        made = service.create_job(kind="meters", filename="x.xlsx", content=large().getvalue(), options={}, by_id=None)
    seen: list[int] = []
    told = service._Progress(made)

    def watch(rows: int) -> None:
        told(rows)
        with db.engine.connect() as other:
            seen.append(other.exec_driver_sql(f"SELECT progress FROM {plant.schema}.import_job").scalar_one())

    from app.intake.registry import IMPORTERS
    from app.web.imports import preview

    preview(IMPORTERS["meters"], large(), {}, progress=watch)
    assert seen == [500, 1000, 1500, 2000, 2500]


def test_a_job_that_failed_says_why(client: Site, plant: Tenant) -> None:
    with transaction():
        made = service.create_job(kind="meters", filename="x.xlsx", content=large().getvalue(), options={}, by_id=None)
        service.fail(made.id, "表里没有「表号」这一列。")
    page = client.get(f"/imports/meters/{made.id}").text
    assert "表里没有「表号」这一列。" in page
    assert "重新上传" in page
