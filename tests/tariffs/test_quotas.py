"""定额管理: the list, and what is changed one by one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.tariffs.models import Quota
from tenants.context import Tenant
from tests import factories


def quota(code: str = "D001", **changes: Any) -> Quota:
    made = Quota(
        **{
            "code": code, "name": "农村居民生活", "unit": "立方米/人", "value": Decimal("1.8"), "cycle": "月",
            "use_category_id": factories.category_id(), "note": "",
        } | changes
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def typed(**changes: Any) -> dict[str, Any]:
    given = {"code": "D011", "name": "养鸡", "unit": "立方米/百只", "value": "1.5", "cycle": "年", "note": "圈养"}
    return given | {"use_category_id": factories.category_id()} | changes


def stored() -> list[tuple[Any, ...]]:
    db.session.rollback()
    return [tuple(row) for row in db.session.execute(select(Quota.code, Quota.name, Quota.value).order_by(Quota.code))]


@pytest.fixture
def two(plant: Tenant) -> tuple[int, int]:
    """One that two customers have, one that nobody has."""
    with transaction():
        used, free = quota(), quota("D005", name="养牛")
        factories.customer(quota_id=used.id)
        factories.customer(quota_id=used.id)
    return used.id, free.id


def test_the_list_shows_how_many_have_each(client: Any, two: Any) -> None:
    page = client.get("/quotas").text
    assert page.index("D001") < page.index("D005")
    assert '<td class="num">2</td>' in page


def test_the_list_is_searched_by_code_and_name(client: Any, two: Any) -> None:
    for words, code in (("d005", "D005"), ("养牛", "D005"), ("居民", "D001")):
        page = client.get(f"/quotas?q={words}").text
        assert [c for c in ("D001", "D005") if f">{c}<" in page] == [code]


def test_a_new_one_is_stored(client: Any, plant: Tenant) -> None:
    assert client.post("/quotas/new", data=typed()).status_code == 302
    assert "新增成功" in client.get("/quotas").text
    assert stored() == [("D011", "养鸡", Decimal("1.5000"))]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("code", "D001", "编码「D001」已经用于「农村居民生活」"), ("code", "", "请填写编码"), ("name", " ", "请填写名称"),
        ("value", "很多", "要填不小于 0 的数字"), ("value", "1.23456", "最多 4 位小数"), ("value", "", "请填写定额值"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_said_beside_it(client: Any, two: Any, field: str, value: str, sentence: str) -> None:
    answer = client.post("/quotas/new", data=typed(**{field: value}))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "圈养" in answer.text  # what was typed is kept
    assert len(stored()) == 2


def test_one_is_changed(client: Any, two: Any) -> None:
    page = client.get(f"/quotas/{two[0]}/edit").text
    assert 'value="1.8"' in page
    assert client.post(f"/quotas/{two[0]}/edit", data=typed(code="D001", value="２．０")).status_code == 302
    assert stored()[0] == ("D001", "养鸡", Decimal("2.0000"))


def test_one_in_use_is_kept(client: Any, two: Any) -> None:
    answer = client.post(f"/quotas/{two[0]}/deletion", follow_redirects=True)
    assert "有 2 户用户在用，不能删除" in answer.text
    assert len(stored()) == 2


def test_one_that_nobody_has_is_deleted(client: Any, two: Any) -> None:
    assert "删除成功" in client.post(f"/quotas/{two[1]}/deletion", follow_redirects=True).text
    assert [code for code, *_ in stored()] == ["D001"]
    assert db.session.scalar(select(func.count()).select_from(Quota)) == 1
