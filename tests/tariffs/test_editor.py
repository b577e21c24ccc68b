"""The editor: a tariff file as a form, and back without loss."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import db, transaction
from app.tariffs.document import load
from app.tariffs.forms.drafting import draft, values_of
from app.tariffs.forms.standard import LEAST, _counts
from app.tariffs.models import TariffVersion
from app.tariffs.rules import parse
from app.tariffs.service import import_tariff
from tenants.context import Tenant
from tests.factories import TIERED
from tests.tariffs.billed import bill_by

EXAMPLES = json.loads((Path(__file__).parent / "published_examples.json").read_text("utf-8"))
RICH: dict[str, Any] = TIERED | {
    "charges": [
        {"item": "容量水费", "basis": "month", "price": "5.00"},
        *deepcopy(TIERED["charges"]),
        {"item": "排水费", "basis": "volume", "tier_mode": "whole_volume",
         "tiers": [{"up_to": "10", "price": "0.50", "fixed": "2.00"}, {"up_to": "20", "price": "0.60"},
                   {"up_to": None, "price": "0.80"}]},
    ],
    "household": {"rule": "per_extra_person", "base": 4, "volume": ["2", "3.5"]},
    "free_volume": "1.5",
    "minimum": "6.00",
    "over_quota": [{"up_to": "0.2", "multiplier": "1.5"}, {"up_to": None, "multiplier": "3"}],
    "late_fee": {"due_day": 10, "grace_days": 5, "daily_rate": "0.005", "base": "charged", "cap": None, "minimum": "1"},
}  # fmt: skip
RICH["charges"][1]["volume_factor"] = "1.05"


def there_and_back(document: dict[str, Any]) -> dict[str, Any]:
    shown = values_of(document) | {"effective_from": document["effective_from"]}
    return draft(document, _counts(shown), lambda name: str(shown.get(name, ""))).document


@pytest.mark.parametrize("document", [RICH, *(case["tariff"] for case in EXAMPLES)], ids=lambda one: one["name"][:30])
def test_a_document_comes_back_from_the_form_as_it_was(document: dict[str, Any]) -> None:
    assert parse(there_and_back(document)) == parse(document)


def typed(**changes: str) -> dict[str, str]:
    given = {
        "name": "居民阶梯", "use_category": "居民生活用水", "applies_to": "metered", "effective_from": "2026-06-01",
        "tier_cycle": "month", "item": "水费", "tier_mode": "graduated",
        "tier_0_up_to": "8", "tier_0_price": "2.00", "tier_1_up_to": "13", "tier_1_price": "3.00", "tier_2_price": "6.00",
        "extra_0_item": "污水处理费", "extra_0_basis": "volume", "extra_0_price": "0.95",
        "extra_1_item": "基本水费", "extra_1_basis": "month", "extra_1_price": "5",
        "minimum": "6", "due_day": "25", "daily_rate": "0.05", "late_base": "unpaid", "late_cap": "100", "household_rule": "",
    }  # fmt: skip
    return given | changes


def only_version() -> TariffVersion:
    db.session.rollback()
    return db.session.scalars(select(TariffVersion).execution_options(populate_existing=True)).one()


def count() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(TariffVersion.id)).all())


def test_what_is_typed_becomes_a_tariff_file(client: Any, plant: Tenant) -> None:
    answer = client.post("/tariffs/new", data=typed())
    assert answer.status_code == 302
    assert "新增成功" in client.get(answer.location).text
    assert only_version().document == {
        "name": "居民阶梯", "use_category": "居民生活用水", "applies_to": "metered", "effective_from": "2026-06-01",
        "tier_cycle": "month",
        "charges": [
            {"item": "水费", "basis": "volume", "tier_mode": "graduated", "tiers": [
                {"up_to": "8", "price": "2.00"}, {"up_to": "13", "price": "3.00"}, {"up_to": None, "price": "6.00"}]},
            {"item": "污水处理费", "basis": "volume", "price": "0.95"},
            {"item": "基本水费", "basis": "month", "price": "5"},
        ],
        "minimum": "6",
        "late_fee": {"due_day": 25, "grace_days": 0, "daily_rate": "0.0005", "base": "unpaid", "cap": "1", "minimum": "0"},
    }  # fmt: skip


def errors(page: str) -> dict[str, str]:
    """Field → sentence beside it."""
    found = re.findall(r'id="(\w+)-error">.*?错误：</span>(.*?)</span></p>', page, re.S)
    return {name: unescape(sentence) for name, sentence in found}


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"tier_1_up_to": "8"}, "tier_1_up_to", "上限要比上一档的 8 高，两档不能重叠。"),
        ({"tier_1_up_to": "5"}, "tier_1_up_to", "两档不能重叠"),
        ({"tier_0_up_to": "0"}, "tier_0_up_to", "上限要比0 高"),
        ({"tier_1_price": "1.50"}, "tier_1_price", "单价比上一档的 ¥2.00 低，阶梯水价应逐档升高"),
        ({"tier_2_up_to": "20"}, "tier_2_up_to", "最后一档的上限要空着"),
        ({"tier_1_up_to": ""}, "tier_1_up_to", "只有最后一档空着"),
        ({"tier_1_price": ""}, "tier_1_price", "请填写这一档的单价"),
        ({"tier_0_price": "贵"}, "tier_0_price", "要填不小于 0 的数字，最多 4 位小数"),
        ({"name": ""}, "name", "请填写名称"),
        ({"effective_from": ""}, "effective_from", "请填写从哪一天起生效"),
        ({"extra_0_item": ""}, "extra_0_item", "请填写项目名称"),
        ({"extra_0_price": ""}, "extra_0_price", "请填写单价"),
        ({"extra_1_factor": "0.9"}, "extra_1_factor", "只有每吨收的项目才有折算系数"),
        ({"extra_1_item": "水费"}, "extra_1_item", "项目「水费」写了两次"),
        ({"household_rule": "lump"}, "household_people", "请填写人数"),
        ({"household_rule": "per_head", "household_people": "5"}, "tier_0_people", "逐档升高"),
        ({"tier_0_people": "2"}, "tier_0_people", "请在「户籍人口」里选一种规则"),
        ({"band_0_up_to": "20"}, "band_0_multiplier", "请填写倍数"),
        ({"band_0_multiplier": "0.5"}, "band_0_multiplier", "倍数不能小于 1"),
        ({"daily_rate": ""}, "daily_rate", "请填写每天收百分之几"),
        ({"due_day": ""}, "due_day", "请填写每月几日截止"),
        ({"due_day": "32"}, "due_day", "1 到 31"),
        ({"applies_to": "unmetered"}, "tier_0_price", "不按表的用户没有用水量"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_beside_its_field(
    client: Any, plant: Tenant, changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = client.post("/tariffs/new", data=typed(**changes))
    assert answer.status_code == 422
    assert sentence in errors(answer.text).get(field, f"nothing at {field}: {errors(answer.text)}")
    assert count() == 0
    assert 'value="污水处理费"' in answer.text or changes.get("extra_0_item") == ""


def test_nothing_at_all_is_no_standard(client: Any, plant: Tenant) -> None:
    empty = {
        name: "" for name in typed() if name.startswith(("tier_", "extra_")) and name not in ("tier_mode", "tier_cycle")
    }
    answer = client.post("/tariffs/new", data=typed(**empty) | {"extra_0_basis": "volume", "extra_1_basis": "volume"})
    assert "请至少填一个单价" in errors(answer.text)["tier_0_price"]


def test_one_price_is_no_tier(client: Any, plant: Tenant) -> None:
    client.post("/tariffs/new", data=typed(tier_0_up_to="", tier_1_up_to="", tier_1_price="", tier_2_price=""))
    assert only_version().document["charges"][0] == {"item": "水费", "basis": "volume", "price": "2.00"}


def test_people_without_a_meter_are_charged_by_head(client: Any, plant: Tenant) -> None:
    none = {f"tier_{i}_{name}": "" for i in range(3) for name in ("up_to", "price")}
    head = {"extra_0_item": "水费", "extra_0_basis": "head", "extra_0_price": "3"}
    sent = typed(**none, **head, applies_to="unmetered")
    assert client.post("/tariffs/new", data=sent).status_code == 302
    made = load(only_version().document)
    assert (made.applies_to, made.charges[0].basis) == ("unmetered", "head")


def test_a_name_that_is_there_is_refused(client: Any, plant: Tenant) -> None:
    client.post("/tariffs/new", data=typed())
    answer = client.post("/tariffs/new", data=typed(effective_from="2027-01-01"))
    assert "已经有了，请换一个名称" in errors(answer.text)["name"]
    assert count() == 1


def test_rows_are_added_and_dropped_without_javascript(client: Any, plant: Tenant) -> None:
    more = client.post("/tariffs/new", data=typed(add="tier"))
    assert more.status_code == 200
    assert 'name="tier_3_price"' in more.text
    assert 'name="tier_4_price"' not in more.text
    fewer = client.post("/tariffs/new", data=typed(drop="tier_1"))
    assert re.search(r'name="tier_1_price"[^>]*value="6.00"', fewer.text)
    assert count() == 0
    assert f'name="tier_{LEAST["tier"] - 1}_price"' in fewer.text


def test_a_usage_is_tried_without_javascript(client: Any, plant: Tenant) -> None:
    page = client.post("/tariffs/new", data=typed(**{"try": "1", "try_usage": "25"})).text
    assert "用 25 吨 = <b>¥131.75</b>" in page  # 8×2 + 5×3 + 12×6 + 25×0.95 + 5
    assert "12 × ¥6.00" in page
    assert count() == 0


def test_a_usage_is_tried_while_somebody_types(client: Any, plant: Tenant) -> None:
    page = client.post("/tariffs/preview", data=typed(name="", effective_from="", try_usage="8")).text
    assert "用 8 吨 = <b>¥28.60</b>" in page
    assert "<html" not in page
    lacking = client.post("/tariffs/preview", data=typed(tier_1_up_to="8")).text
    assert "还算不出来" in lacking
    assert "两档不能重叠" in lacking
    assert "最低消费补差" in client.post("/tariffs/preview", data=typed(minimum="200")).text
    assert "用水量（吨）要填不小于 0 的数字" in client.post("/tariffs/preview", data=typed(try_usage="x")).text


def edit(client: Any, version: TariffVersion, **changes: str) -> Any:
    """Open the editor, change something, save."""
    path = f"/tariffs/{version.tariff_id}/edit?version={version.id}"
    page = client.get(path).text
    stamp = re.search(r'name="stamp"[^>]*value="(\w+)"', page)
    assert stamp
    shown = values_of(version.document) | {"effective_from": version.document["effective_from"], "stamp": stamp[1]}
    return client.post(path, data=shown | changes)


@pytest.fixture
def rich(plant: Tenant) -> TariffVersion:
    with transaction():
        return import_tariff(deepcopy(RICH), by_id=None)


def test_what_the_form_cannot_show_is_kept(client: Any, rich: TariffVersion) -> None:
    assert "另有几项这张表填不了，保存时原样保留：排水费" in client.get(f"/tariffs/{rich.tariff_id}/edit").text
    assert edit(client, rich, minimum="8").status_code == 302
    now = only_version().document
    assert [charge["item"] for charge in now["charges"]] == ["容量水费", "水费", "污水处理费", "水资源税", "排水费"]
    assert now["charges"][4] == RICH["charges"][4]
    assert now["charges"][1]["volume_factor"] == "1.05"
    assert (now["minimum"], now["late_fee"]["minimum"]) == ("8", "1")


def test_a_version_that_has_not_billed_is_changed_in_place(client: Any, rich: TariffVersion) -> None:
    answer = edit(client, rich, effective_from="2026-03-01", tier_0_price="2.50")
    assert "编辑成功" in client.get(answer.location).text
    version = only_version()
    assert (version.id, version.effective_from) == (rich.id, date(2026, 3, 1))
    assert version.document["charges"][1]["tiers"][0]["price"] == "2.50"


def test_a_version_that_has_billed_asks_from_which_day(client: Any, rich: TariffVersion) -> None:
    with transaction():
        bill_by(rich)
    page = client.get(f"/tariffs/{rich.tariff_id}/edit").text
    assert "已经出过账，不会改动" in page
    refused = edit(client, rich, tier_0_price="2.50")
    assert (refused.status_code, "这一天以后" in errors(refused.text)["effective_from"]) == (422, True)
    assert edit(client, rich, tier_0_price="2.50", effective_from="2031-01-01").status_code == 302
    db.session.rollback()
    old, new = db.session.scalars(
        select(TariffVersion).order_by(TariffVersion.id).execution_options(populate_existing=True)
    )
    assert old.document == RICH
    assert new.document["charges"][1]["tiers"][0]["price"] == "2.50"


def test_two_who_edit_at_once_do_not_overwrite_each_other(client: Any, rich: TariffVersion) -> None:
    path = f"/tariffs/{rich.tariff_id}/edit?version={rich.id}"
    shown = values_of(rich.document) | {"effective_from": "2026-01-01", "stamp": "0123456789abcdef"}
    answer = client.post(path, data=shown | {"minimum": "9"})
    assert (answer.status_code, "别人已经改了这个版本" in answer.text) == (422, True)
    assert only_version().document["minimum"] == "6.00"


def test_a_falling_price_that_came_by_file_can_stay(client: Any, plant: Tenant) -> None:
    falling = deepcopy(TIERED)
    falling["charges"][0]["tiers"][2]["price"] = "1.00"
    with transaction():
        version = import_tariff(falling, by_id=None)
    assert edit(client, version, minimum="5").status_code == 302
    assert "有一档单价比前一档低" in client.get(f"/tariffs/{version.tariff_id}").text


def test_the_schema_is_printed(app: Flask) -> None:
    printed = app.test_cli_runner().invoke(args=["tariff", "schema"])
    assert json.loads(printed.output)["title"] == "收费标准文件"
