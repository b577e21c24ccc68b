"""区册管理: areas and their books (figures 4.2-1 … 4.2-6)."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.areas import queries, service
from app.areas.models import District, Route
from app.audit import AuditEntry
from app.db import db, transaction
from app.errors import DomainError
from app.staff import service as staff
from tests import factories as make
from tests.conftest import PASSWORD, Site


def books() -> list[tuple[str, str]]:
    """(区, 册) of every book."""
    db.session.rollback()
    rows = db.session.execute(
        select(District.name, Route.name).join(Route, Route.district_id == District.id).order_by(Route.id)
    )
    return [tuple(row) for row in rows]


def districts() -> list[str]:
    return list(db.session.scalars(select(District.name).order_by(District.id)))


def made(name: str = "一册", district: str = "东街") -> Route:
    with transaction():
        return make.route(name, district)


def said(client: Site) -> str:
    """The message on the list."""
    found = re.findall(r'<p>([^<]+)</p>\s*<button class="toast-close"', client.get("/areas/").text)
    return "".join(found[:1])


def words(page: Any) -> list[list[str]]:
    """The cells of each row of the list."""
    body = re.search(r"<tbody>(.*?)</tbody>", page.text, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL) if body else []
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", c).split()) for c in re.findall(r"<td.*?</td>", r, re.DOTALL)] for r in rows
    ]


def test_the_list_shows_areas_books_readers_and_households(client: Site) -> None:
    with transaction():
        reader = staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
        make.route().reader_id = reader.id
        make.route("二册", "西街")
        make.customer(route_id=make.route().id)
        make.customer(route_id=make.route().id)
        make.customer(route_id=make.route().id, state="closed")
    page = client.get("/areas/")
    assert [row[:4] for row in words(page)] == [["东街", "东街一册", "李建国", "2"], ["西街", "二册", "未分配", "0"]]
    assert "共 2 册 · 用户 2" in page.text
    assert f'href="/customers?route={queries.route_options()[0][0]}"' in page.text


def test_an_empty_plant_is_told_what_to_do(client: Site) -> None:
    assert "点「新增」建第一个区和册" in client.get("/areas/").text


@pytest.mark.parametrize(
    ("query", "found"), [("q=西", 1), ("q=东街一册", 1), ("q=李建", 1), ("q=北", 0), ("reader=none", 1)]
)
def test_books_are_found_by_area_name_and_reader(client: Site, query: str, found: int) -> None:
    with transaction():
        reader = staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
        make.route("一册").reader_id = reader.id
        make.route("二册", "西街")
    assert len(words(client.get(f"/areas/?{query}"))) == found


def test_a_book_is_added_to_an_area(client: Site) -> None:
    area = made().district_id
    response = client.post("/areas/new", data={"district": str(area), "name": " 二册 "})
    assert response.location == "/areas/"
    assert books() == [("东街", "一册"), ("东街", "二册")]
    assert said(client) == "新增成功"
    log = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "route")).all()
    assert [(entry.action, entry.changes) for entry in log] == [("created", {"name": "东街二册"})]


def test_a_new_area_is_made_on_the_spot(client: Site) -> None:
    client.post("/areas/new", data={"district": "new", "new_district": "北街", "name": "一册"})
    client.post("/areas/new", data={"district": "new", "new_district": "北街", "name": "二册"})
    assert books() == [("北街", "一册"), ("北街", "二册")]
    assert districts() == ["北街"]


def test_one_after_the_other_in_the_same_area(client: Site) -> None:
    area = made().district_id
    response = client.post("/areas/new", data={"district": str(area), "name": "二册", "again": "1"})
    assert response.location == f"/areas/new?district={area}"
    assert f'selected value="{area}"' in client.get(response.location).text


@pytest.mark.parametrize("name", ["一册", "东街一册"])
def test_the_same_name_twice_in_an_area_is_refused(client: Site, name: str) -> None:
    area = made().district_id
    response = client.post("/areas/new", data={"district": str(area), "name": name})
    assert response.status_code == 422
    assert re.search(r'id="name-error".*?「东街」里已经有「一册」，请换一个册名。', response.text, re.DOTALL)
    assert f'value="{name}"' in response.text
    assert books() == [("东街", "一册")]


def test_the_same_name_in_another_area_is_fine(client: Site) -> None:
    made()
    client.post("/areas/new", data={"district": "new", "new_district": "西街", "name": "一册"})
    assert books() == [("东街", "一册"), ("西街", "一册")]


@pytest.mark.parametrize(
    ("form", "field", "words_"),
    [
        ({"district": "new", "name": "一册"}, "new_district", "请填写新区名"),
        ({"district": "new", "new_district": "东街", "name": " "}, "name", "请填写册名"),
        ({"district": "999", "name": "一册"}, "district", "请选择区名"),
        ({"district": "x", "name": "一册"}, "district", "请选择区名"),
        ({"name": "一册"}, "district", "请选择区名"),
        ({"district": "new", "new_district": "东街", "name": "册" * 21}, "name", "册名最多 20 个字"),
    ],
)
def test_what_is_missing_is_told_beside_the_field(client: Site, form: dict[str, str], field: str, words_: str) -> None:
    response = client.post("/areas/new", data=form)
    assert response.status_code == 422
    assert re.search(rf'id="{field}-error".*?{words_}', response.text, re.DOTALL)
    assert books() == []


def test_a_book_gets_another_name_and_another_area(client: Site) -> None:
    key = made().id
    made("二册")
    client.post(f"/areas/{key}/edit", data={"district": "new", "new_district": "西街", "name": "三册"})
    assert books() == [("西街", "三册"), ("东街", "二册")]
    assert said(client) == "编辑成功"


def test_an_area_goes_with_its_last_book(client: Site) -> None:
    key = made().id
    client.post(f"/areas/{key}/edit", data={"district": "new", "new_district": "西街", "name": "一册"})
    assert districts() == ["西街"]
    client.post(f"/areas/{key}/deletion")
    assert districts() == []


def test_changing_nothing_is_no_clash_with_oneself(client: Site) -> None:
    route = made()
    form = {"district": str(route.district_id), "name": "一册"}
    assert client.post(f"/areas/{route.id}/edit", data=form).status_code == 302


def test_an_area_is_renamed(client: Site) -> None:
    area = made().district_id
    made("一册", "西街")
    response = client.post(f"/areas/districts/{area}/edit", data={"name": "西街"})
    assert "已经有「西街」" in response.text
    client.post(f"/areas/districts/{area}/edit", data={"name": "东大街"})
    assert districts() == ["东大街", "西街"]


def test_an_empty_book_is_deleted(client: Site) -> None:
    key = made().id
    made("二册")
    assert client.post(f"/areas/{key}/deletion").location == "/areas/"
    assert books() == [("东街", "二册")]
    assert said(client) == "删除成功"
    assert client.post(f"/areas/{key}/deletion").status_code == 404


def test_a_book_with_customers_says_how_many_and_where_to_move_them(client: Site) -> None:
    with transaction():
        route = make.route()
        make.route("二册")
        make.customer(route_id=route.id)
        make.customer(route_id=route.id, state="closed")
    client.post(f"/areas/{route.id}/deletion")
    message = said(client)
    assert message.startswith("「东街一册」里还有 2 户（其中销户 1 户），不能删除。")
    assert "用「批量换区册」移到别的册，例如「东街二册」" in message
    assert len(books()) == 2


def test_a_book_that_records_name_stays(client: Site) -> None:
    with transaction():
        used = make.used(5)
        old = used.route_id
        used.route_id = make.route("二册").id
    client.post(f"/areas/{old}/deletion")
    assert "有 1 条抄表和账单记录，报表还要用，不能删除" in said(client)
    assert len(books()) == 2


def test_a_customer_who_moves_in_meanwhile_keeps_the_book(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        route = make.route("一册")
        make.customer(route_id=route.id)
    monkeypatch.setattr(queries, "hanging", lambda _key: queries.Hanging(0, 0, 0))
    with pytest.raises(DomainError, match="刚刚有用户放进了"), transaction():
        service.delete_route(route)


def test_the_workbook_holds_all_areas_and_books(client: Site) -> None:
    made("001")
    made("=1+1", "西街")
    workbook = load_workbook(BytesIO(client.get("/areas/?export=xlsx").data))
    sheet = workbook.active
    assert sheet is not None
    assert list(sheet.values) == [
        ("区名", "册名", "抄表员", "用户数"),
        ("东街", "001", "未分配", 0),
        ("西街", "=1+1", "未分配", 0),
    ]
    assert sheet.freeze_panes == "A2"
    assert sheet["B3"].data_type == "s"
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCD")


def test_the_list_takes_few_queries_however_many_books(client: Site, count_queries: Any) -> None:
    with transaction():
        for number in range(40):
            make.route(f"{number}册")
    client.get("/areas/")
    with count_queries() as seen:
        client.get("/areas/")
    assert len(seen) <= 12, seen


@pytest.mark.parametrize("role", ["cashier", "accountant"])
def test_who_may_look_may_not_change(site: Site, role: str) -> None:
    key = made().id
    with transaction():
        staff.create_staff(username=role, password=PASSWORD, name=role, role=role)
    site.log_in(role)
    page = site.get("/areas/")
    assert page.status_code == 200
    assert "新增" not in page.text
    assert "删除" not in page.text
    for path in ("/areas/new", f"/areas/{key}/edit"):
        assert site.get(path).status_code == 403
    assert site.post(f"/areas/{key}/deletion").status_code == 403
    assert books() == [("东街", "一册")]


def test_a_reader_may_not_look(site: Site) -> None:
    with transaction():
        staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
    site.log_in("li")
    response = site.get("/areas/")
    assert response.status_code == 403
    assert "您的岗位没有这项权限，请联系站长开通。" in response.text
