"""抄表范围 (figures 8.2-1 … 8.2-4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.areas import service
from app.areas.models import Route
from app.audit import AuditEntry
from app.db import db, transaction
from app.errors import DomainError
from app.staff.models import StaffUser
from tenants import context
from tenants.context import Tenant
from tests import factories as make
from tests.areas.test_books import made, words
from tests.areas.test_readers import hired
from tests.conftest import Site


def reader_of(route_id: int) -> int | None:
    db.session.rollback()
    found: int | None = db.session.scalar(select(Route.reader_id).where(Route.id == route_id))
    return found


def test_the_list_shows_who_reads_which_books(client: Site) -> None:
    reader = hired()
    hired("wang", "王永强")
    with transaction():
        for name in ("东街一册", "东街二册"):
            make.route(name).reader_id = reader.id
            make.customer(route_id=make.route(name).id)
        make.route("三册")
    page = client.get("/areas/scope")
    assert [row[:4] for row in words(page)] == [
        ["李建国", "东街一册、东街二册", "2", "2"],
        ["王永强", "—", "0", "0"],
    ]
    assert "共 2 人 · 已分配册数 2 · 用户 2" in page.text
    assert "还有 1 册没有分配抄表员：东街三册（0 户）。" in " ".join(page.text.split())


@pytest.mark.parametrize(
    ("q", "found"), [("建国", ["李建国"]), ("东街一", ["李建国"]), ("西街", ["王永强"]), ("南", [])]
)
def test_it_is_searched_by_reader_and_by_book(client: Site, q: str, found: list[str]) -> None:
    one, two = hired(), hired("wang", "王永强")
    with transaction():
        make.route("一册").reader_id = one.id
        make.route("一册", "西街").reader_id = two.id
    assert [row[0] for row in words(client.get("/areas/scope", query_string={"q": q}))] == found


def test_books_that_nobody_has_are_assigned_and_own_ones_taken_back(client: Site) -> None:
    reader = hired()
    first, second, third = made("一册").id, made("二册").id, made("三册").id
    with transaction():
        db.session.get_one(Route, third).reader_id = reader.id
    page = client.get(f"/areas/scope/{reader.id}").text
    for key, name in ((first, "take"), (second, "take"), (third, "give")):
        assert f'name="{name}" value="{key}"' in page
    response = client.post(f"/areas/scope/{reader.id}", data={"take": [first, second], "give": [third]})
    assert response.location == "/areas/scope"
    assert "分配成功" in client.get("/areas/scope").text
    assert [reader_of(key) for key in (first, second, third)] == [reader.id, reader.id, None]
    log = db.session.scalars(
        select(AuditEntry).where(AuditEntry.entity == "route").order_by(AuditEntry.entity_id)
    ).all()
    assert [entry.changes for entry in log] == [
        {"reader_id": [None, reader.id]},
        {"reader_id": [None, reader.id]},
        {"reader_id": [reader.id, None]},
    ]


def test_a_book_that_another_has_is_not_taken_away(client: Site) -> None:
    one, two = hired(), hired("wang", "王永强")
    free, taken = made("一册").id, made("二册").id
    with transaction():
        db.session.get_one(Route, taken).reader_id = two.id
    assert f'value="{taken}"' not in client.get(f"/areas/scope/{one.id}").text
    response = client.post(f"/areas/scope/{one.id}", data={"take": [free, taken]})
    assert response.status_code == 422
    assert "「东街二册」刚刚已分给别的抄表员" in response.text
    assert (reader_of(free), reader_of(taken)) == (None, two.id)
    client.post(f"/areas/scope/{one.id}", data={"give": [taken]})
    assert reader_of(taken) == two.id


@pytest.mark.parametrize(
    ("form", "said"),
    [({}, "还没有选择区册"), ({"take": ["999"]}, "有的册刚刚被删除"), ({"take": ["x"]}, "有的册刚刚被删除")],
)
def test_nothing_chosen_and_nonsense_is_told(client: Site, form: dict[str, Any], said: str) -> None:
    response = client.post(f"/areas/scope/{hired().id}", data=form)
    assert response.status_code == 422
    assert said in response.text


def test_one_who_has_left_gets_no_books(client: Site) -> None:
    reader, book = hired(), made().id
    with transaction():
        db.session.get_one(StaffUser, reader.id).active = False
    response = client.post(f"/areas/scope/{reader.id}", data={"take": [book]})
    assert "不能分配区册" in response.text
    assert reader_of(book) is None


@pytest.fixture
def together(app: Flask, plant: Tenant) -> Callable[[list[int], int], list[str]]:
    """Assigns one book to several readers at the same moment; what each was told."""

    def run(readers: list[int], route_id: int) -> list[str]:
        start = threading.Barrier(len(readers))

        def one(reader_id: int) -> str:
            with app.app_context(), context.use(plant):
                try:
                    db.session.execute(text("SELECT 1"))
                    db.session.rollback()
                    start.wait(30)
                    with transaction():
                        reader = db.session.get_one(StaffUser, reader_id)
                        service.assign_routes(reader=reader, take={route_id}, give=set())
                    return ""
                except DomainError as refused:
                    return refused.message
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(len(readers)) as pool:
            return list(pool.map(one, readers))

    return run


def test_two_who_assign_at_once_leave_one_reader(together: Any, plant: Tenant) -> None:
    readers = [hired(f"reader{n}", f"抄表员{n}").id for n in range(4)]
    book = made().id
    for _ in range(5):
        with transaction():
            db.session.get_one(Route, book, populate_existing=True).reader_id = None
        told = together(readers, book)
        assert [bool(line) for line in told].count(False) == 1
        assert reader_of(book) == readers[told.index("")]
        assert all("刚刚已分给别的抄表员" in line for line in told if line)


def test_the_page_takes_few_queries_however_many_books(client: Site, count_queries: Any) -> None:
    reader = hired()
    with transaction():
        for number in range(40):
            make.route(f"{number}册").reader_id = reader.id if number % 2 else None
    client.get("/areas/scope")
    with count_queries() as seen:
        client.get("/areas/scope")
        page, taken = len(seen), client.get(f"/areas/scope/{reader.id}")
    assert taken.status_code == 200
    assert page <= 12, seen
    assert len(seen) - page <= 12, seen


@pytest.mark.parametrize("role", ["cashier", "reader", "accountant", "clerk", "manager"])
def test_who_may_assign(site: Site, role: str) -> None:
    reader, book = hired("li2", "李二").id, made().id
    hired("me", "本人", role)
    site.log_in("me")
    page = site.get("/areas/scope")
    may = role in ("clerk", "manager")
    assert page.status_code == 200
    assert (f"/areas/scope/{reader}" in page.text) == may
    assert site.get(f"/areas/scope/{reader}").status_code == (200 if may else 403)
    assert site.post(f"/areas/scope/{reader}", data={"take": [book]}).status_code == (302 if may else 403)
    assert reader_of(book) == (reader if may else None)
