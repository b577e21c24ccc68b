"""Standards as they are listed, changed and deleted: what has billed stays, what is used cannot go."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import DomainError
from app.metering.models import MeterBinding
from app.staff.service import create_staff
from app.tariffs import queries, service
from app.tariffs.models import Tariff, TariffVersion
from tenants.context import Tenant
from tests import factories
from tests.conftest import PASSWORD
from tests.queries import count_queries  # noqa: F401 - a fixture
from tests.tariffs.billed import bill_by

TIERED = factories.TIERED
FUTURE = "2031-01-01"


def taken(**changes: Any) -> TariffVersion:
    return service.import_tariff(deepcopy(TIERED) | changes, by_id=None)


def versions() -> int:
    return db.session.scalar(select(func.count()).select_from(TariffVersion)) or 0


def test_only_versions_that_priced_a_bill_have_billed(plant: Tenant) -> None:
    first, later = taken(), taken(effective_from=FUTURE)
    other = taken(name="居民合表")
    bill_by(first)
    assert queries.billed_versions(first.tariff_id) == {first.id}
    assert queries.billed_versions(other.tariff_id) == set()
    assert (service.has_billed(first), service.has_billed(later)) == (True, False)


def test_a_bill_of_a_backdated_version_is_found(plant: Tenant) -> None:
    version = taken(effective_from="2026-10-01")  # made after its first bill's run, by the clock
    bill_by(version)
    assert service.has_billed(version)


def test_a_bill_without_a_meter_is_found(plant: Tenant) -> None:
    version = taken(applies_to="unmetered", charges=[{"item": "水费", "basis": "head", "price": "3"}])
    bill_by(version, read_on=None)
    assert service.has_billed(version)


def test_a_changed_version_that_has_billed_becomes_a_new_one(plant: Tenant) -> None:
    version = taken()
    bill_by(version)
    made = service.change_version(version, TIERED | {"effective_from": FUTURE, "minimum": "5"}, by_id=None)
    assert made.id != version.id
    assert "minimum" not in version.document
    assert versions() == 2


@pytest.mark.parametrize("day", ["2026-01-01", "2025-06-01"])
def test_a_new_version_begins_after_the_one_that_has_billed(plant: Tenant, day: str) -> None:
    version = taken()
    bill_by(version)
    with pytest.raises(DomainError, match="以后") as refused:
        service.change_version(version, TIERED | {"effective_from": day, "minimum": "5"}, by_id=None)
    assert refused.value.field == "effective_from"


def test_a_version_that_has_not_billed_changes_in_place(plant: Tenant) -> None:
    version = taken()
    changed = service.change_version(version, TIERED | {"effective_from": "2026-02-01", "minimum": "5"}, by_id=None)
    assert changed is version
    assert (version.effective_from, version.document["minimum"], versions()) == (date(2026, 2, 1), "5", 1)


def test_two_versions_of_one_day_are_refused(plant: Tenant) -> None:
    version, _ = taken(), taken(effective_from=FUTURE)
    with pytest.raises(DomainError, match="已有一个版本"):
        service.change_version(version, TIERED | {"effective_from": FUTURE}, by_id=None)


def test_a_name_that_is_taken_is_refused(plant: Tenant) -> None:
    version, _ = taken(), taken(name="居民合表")
    with pytest.raises(DomainError, match="请换一个名称"):
        service.change_version(version, TIERED | {"name": "居民合表"}, by_id=None)
    with pytest.raises(DomainError, match="请换一个名称"):
        service.create_standard(dict(TIERED), by_id=None)
    service.change_version(version, TIERED | {"name": "居民阶梯"}, by_id=None)
    assert version.tariff.name == "居民阶梯"


def test_only_a_version_to_come_is_deleted(plant: Tenant) -> None:
    current, later = taken(), taken(effective_from=FUTURE)
    with pytest.raises(DomainError, match="已经生效"):
        service.delete_version(current)
    service.delete_version(later)
    assert versions() == 1
    bill_by(current)
    with pytest.raises(DomainError, match="已经出过账"):
        service.delete_version(current)


def test_the_only_version_goes_with_its_standard(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="只有这一个版本"):
        service.delete_version(taken(effective_from=FUTURE))


def test_a_standard_in_use_is_kept_and_says_by_whom(plant: Tenant) -> None:
    version = taken()
    person = factories.customer()
    factories.binding(person)
    factories.binding(person)
    with pytest.raises(DomainError, match="「居民生活用水」的 2 块水表（1 户）按它收费"):
        service.delete_standard(version.tariff)


def test_a_standard_in_a_mix_is_kept(plant: Tenant) -> None:
    taken()
    other = taken(name="居民合表").tariff
    factories.binding(mix=[{"tariff_id": other.id, "share": "1"}])
    with pytest.raises(DomainError, match="1 块混合用水的水表按它收费"):
        service.delete_standard(other)
    db.session.scalars(select(MeterBinding)).one().unbound_on = date(2026, 11, 1)
    service.delete_standard(other)
    assert versions() == 1


def test_the_only_standard_without_meter_serves_every_use(plant: Tenant) -> None:
    head = [{"item": "水费", "basis": "head", "price": "3.00"}]
    tariff = taken(applies_to="unmetered", charges=head).tariff
    factories.customer(charged_by_meter=False, use_category_id=factories.category_id("非居民用水"))
    with pytest.raises(DomainError, match="不抄表的 1 户按它收费"):
        service.delete_standard(tariff)
    taken(name="商户不抄表", use_category="非居民用水", applies_to="unmetered", charges=head)
    service.delete_standard(tariff)


def test_a_standard_that_has_billed_is_kept(plant: Tenant) -> None:
    taken()
    version = taken(name="居民合表")
    bill_by(version)
    with pytest.raises(DomainError, match="2026-01-01 起的版本已经出过账"):
        service.delete_standard(version.tariff)


def test_the_default_goes_over_to_the_next(plant: Tenant) -> None:
    first, second = taken().tariff, taken(name="居民合表").tariff
    service.make_default(second)
    assert (first.is_default, second.is_default) == (False, True)
    service.delete_standard(second)
    assert first.is_default


def test_a_standard_to_come_is_no_default_yet(plant: Tenant) -> None:
    taken()
    with pytest.raises(DomainError, match="还没有生效的版本"):
        service.make_default(taken(name="居民合表", effective_from=FUTURE).tariff)


@pytest.fixture
def two(plant: Tenant) -> tuple[TariffVersion, TariffVersion]:
    with transaction():
        made = taken(), taken(effective_from=FUTURE, minimum="5")
        bill_by(made[0])
    return made


def test_the_list_shows_today_s_version_and_the_next(client: Any, two: Any) -> None:
    page = client.get("/tariffs").text
    for words in ("居民一户一表", "0–8 吨 ¥2.00", "13 吨以上 ¥6.00", "¥0.95/吨", "2026-01-01", f"{FUTURE} 起"):
        assert words in page


def test_the_export_says_the_same_in_words(client: Any, two: Any) -> None:
    book = load_workbook(BytesIO(client.get("/tariffs?export=xlsx").data))
    row = [cell.value for cell in list(book.active.rows)[1]]
    assert "水费 0–8 吨 ¥2.00，8–13 吨 ¥3.00，13 吨以上 ¥6.00；污水处理费 ¥0.95/吨；水资源税 ¥0.20/吨" in row
    assert str(row[5]).startswith(f"{FUTURE} 起：水费")


def test_the_page_shows_every_version_and_which_have_billed(client: Any, two: Any) -> None:
    page = client.get(f"/tariffs/{two[0].tariff_id}").text
    assert (page.count("已出账"), page.count("未出账"), page.count("将生效"), page.count("现行")) == (1, 1, 1, 1)
    assert "每月 25 日截止，逾期每天按欠费的 0.05%，最多收到本金的 100%" in page
    assert "删除这一版" in page


def test_a_version_is_downloaded_as_its_file(client: Any, two: Any) -> None:
    answer = client.get(f"/tariffs/versions/{two[1].id}.json")
    assert json.loads(answer.data) == two[1].document
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_version_to_come_is_deleted_by_a_press(client: Any, two: Any) -> None:
    answer = client.post(f"/tariffs/versions/{two[1].id}/deletion", follow_redirects=True)
    assert "删除成功" in answer.text
    assert versions() == 1
    assert "已经出过账，不能删除" in client.post(f"/tariffs/versions/{two[0].id}/deletion", follow_redirects=True).text


def test_a_file_comes_in_by_the_page(client: Any, plant: Tenant) -> None:
    def sent(content: bytes) -> Any:
        return client.post("/tariffs/import", data={"file": (BytesIO(content), "标准.json")})

    assert sent(b"{").status_code == 422
    wrong = sent(json.dumps(TIERED | {"tier_cycle": "week"}).encode())
    assert (wrong.status_code, "tier_cycle" in wrong.text) == (422, True)
    assert versions() == 0
    assert sent(json.dumps(TIERED).encode()).status_code == 302
    assert versions() == 1


def test_the_schema_is_for_everybody(site: Any) -> None:
    answer = site.get("/tariffs/schema.json")
    assert answer.status_code == 200
    assert json.loads(answer.data)["title"] == "收费标准文件"


@pytest.mark.parametrize("path", ["/tariffs/new", "/tariffs/import"])
def test_the_cashier_looks_but_does_not_touch(site: Any, two: Any, path: str) -> None:
    with transaction():
        create_staff(username="shoufei", password=PASSWORD, name="收费", role="cashier")
    site.log_in("shoufei")
    assert site.get(path).status_code == 403
    page = site.get("/tariffs")
    assert (page.status_code, "居民一户一表" in page.text, "删除" in page.text) == (200, True, False)


def test_nobody_needs_many_queries(client: Any, two: Any, count_queries: Any) -> None:  # noqa: F811
    for path in ("/tariffs", f"/tariffs/{two[0].tariff_id}", f"/tariffs/{two[0].tariff_id}/edit", "/quotas"):
        with count_queries() as found:
            assert client.get(path).status_code == 200
        assert len(found) <= 12, path


def test_a_deleted_standard_is_gone(client: Any, plant: Tenant) -> None:
    with transaction():
        tariff_id = taken().tariff_id
    assert "删除成功" in client.post(f"/tariffs/{tariff_id}/deletion", follow_redirects=True).text
    assert db.session.get(Tariff, tariff_id, populate_existing=True) is None
