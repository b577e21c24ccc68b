"""Ticked rows: 批量换区册 and 批量设自动扣费."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.audit import AuditEntry
from app.customers.models import Customer
from app.db import db, transaction
from tests import factories as make
from tests.conftest import Site
from tests.queries import count_queries

__all__ = ["count_queries"]


@pytest.fixture
def people(plant: Any) -> tuple[list[int], int]:
    """Thirty in 东街一册, the last one closed; and 西街一册, where one lives at place 5."""
    with transaction():
        made = [make.customer(route_seq=40 - n, holder=f"用户{n}") for n in range(30)]
        made[-1].state = "closed"
        west = make.route("西街一册", "西街").id
        make.customer(route_id=west, route_seq=5)
    return [person.id for person in made], west


def stored(column: Any) -> dict[int, Any]:
    db.session.rollback()
    return {key: value for key, value in db.session.execute(select(Customer.id, column))}


def test_the_ticked_ones_move_to_the_end_of_the_book_in_their_order(client: Site, people: Any) -> None:
    ids, west = people
    path = f"/customers/batch/route?id={ids[0]}&id={ids[1]}&id={ids[29]}&tab=unmetered"
    assert "选中了 <b>3</b> 户" in client.get(path).text
    answer = client.post(path, data={"route_id": west})
    assert answer.location == "/customers?tab=unmetered"
    assert "已把 2 户换到「西街一册」，其余 1 户原来就是这样或已销户" in client.get(answer.location).text
    routes, places = stored(Customer.route_id), stored(Customer.route_seq)
    assert [routes[key] == west for key in (ids[0], ids[1], ids[2], ids[29])] == [True, True, False, False]
    assert (places[ids[1]], places[ids[0]]) == (6, 7)
    rows = db.session.execute(select(AuditEntry.entity_id, AuditEntry.changes).where(AuditEntry.entity == "customer"))
    assert {key: changes["route_seq"] for key, changes in rows} == {ids[0]: [40, 7], ids[1]: [39, 6]}


def test_all_pages_of_the_filter_are_changed_by_a_handful_of_statements(
    client: Site, people: Any, count_queries: Any
) -> None:
    with count_queries() as seen:
        client.post("/customers/batch/auto-deduct?all=1&q=用户", data={"auto_deduct": "yes"})
    assert len(seen) <= 12, seen
    assert sum(stored(Customer.auto_deduct).values()) == 29
    assert db.session.scalar(select(func.count()).where(AuditEntry.entity == "customer")) == 29


def test_nothing_ticked_is_said(client: Site, people: Any) -> None:
    answer = client.get("/customers/batch/route")
    assert answer.location == "/customers"
    assert "还没有勾选用户" in client.get("/customers").text


@pytest.mark.parametrize("query", ["id=x", "id=-1", "id=99999999999999999999", "id=%00"])
def test_nonsense_is_passed_over(client: Site, people: Any, query: str) -> None:
    assert client.get(f"/customers/batch/route?{query}").status_code == 302


def test_a_book_must_be_chosen(client: Site, people: Any) -> None:
    ids, _ = people
    answer = client.post(f"/customers/batch/route?id={ids[0]}", data={"route_id": "999"})
    assert answer.status_code == 422
    assert "请选择区册" in answer.text


def test_every_row_has_a_box_of_the_one_form(client: Site, people: Any) -> None:
    page = client.get("/customers?q=用户").text
    assert page.count('name="id" value=') == 20
    assert page.count('form="batch"') == 20
    assert 'formaction="/customers/batch/route"' in page
    assert "选中全部 30 户（所有页）" in page
