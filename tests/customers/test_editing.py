"""新增, 修改, 删除, 销户, 恢复 of a customer, through the forms."""

from __future__ import annotations

import html
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app import audit
from app.audit import AuditEntry
from app.customers.models import Customer
from app.db import db, transaction
from app.ledger import queries as ledger
from app.metering.models import MeterBinding
from app.staff import service as staff
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

UNMETERED: dict[str, Any] = {
    "name": "无表户包月",
    "use_category": make.RESIDENTIAL,
    "applies_to": "unmetered",
    "effective_from": "2026-01-01",
    "tier_cycle": "month",
    "charges": [
        {"item": "水费", "basis": "head", "price": "3.00"},
        {"item": "管护费", "basis": "household", "price": "5.00"},
    ],
}


@pytest.fixture
def book(plant: Any) -> int:
    with transaction():
        return make.route().id


def typed(book: int, **changes: Any) -> dict[str, Any]:
    given = {
        "customer_no": "07000001", "holder": "张建忠", "phone": "13800001234", "id_card": "11010519491231002x",
        "address": "东街55号", "route_id": book, "route_seq": "7", "people": "4", "charged_by_meter": "yes",
        "auto_deduct": "yes", "use_category_id": make.category_id(), "quota_id": "", "quota_units": "", "area": "120.5",
        "note": "门朝东",
    }  # fmt: skip
    return given | changes


def the_one() -> Customer:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Customer)).one()


def log(entity: str = "customer") -> list[tuple[str, dict[str, Any]]]:
    db.session.rollback()
    rows = db.session.execute(
        select(AuditEntry.action, AuditEntry.changes).where(AuditEntry.entity == entity).order_by(AuditEntry.id)
    )
    return [(action, changes) for action, changes in rows]


def seen_of(page: str) -> str:
    found = re.search(r'name="seen"[^>]* value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def test_a_new_customer_is_stored_as_it_was_typed(client: Site, book: int) -> None:
    answer = client.post("/customers/new", data=typed(book))
    person = the_one()
    assert answer.location == f"/customers/{person.id}"
    assert (person.holder, person.holder_initials, person.id_card) == ("张建忠", "zjz", "11010519491231002X")
    assert (person.route_id, person.route_seq, person.people, person.area) == (book, 7, 4, Decimal("120.50"))
    assert (person.charged_by_meter, person.auto_deduct, person.state) == (True, True, "active")
    ((action, told),) = log()
    assert action == "created"
    assert {name: told[name] for name in ("customer_no", "holder", "phone", "people", "area", "route_id")} == {
        "customer_no": "07000001", "holder": "张建忠", "phone": "13800001234", "people": 4, "area": "120.5",
        "route_id": book,
    }  # fmt: skip
    assert "新增成功" in client.get(answer.location).text


def test_the_next_number_and_the_last_place_are_proposed(client: Site, book: int) -> None:
    with transaction():
        make.customer(customer_no="07000122", route_seq=9)
        make.customer(customer_no="ZJ-9")
    assert 'value="07000123"' in client.get("/customers/new").text
    client.post("/customers/new", data=typed(book, customer_no="07000123", route_seq=""))
    assert db.session.scalar(select(Customer.route_seq).where(Customer.customer_no == "07000123")) == 10


def test_save_and_add_another_stays_at_the_form_in_the_same_book(client: Site, book: int) -> None:
    answer = client.post("/customers/new", data=typed(book, again="1"))
    assert answer.location == f"/customers/new?route={book}"
    assert re.search(rf'<option selected value="{book}"', client.get(answer.location).text)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("holder", " ", "请填写户名"), ("customer_no", "7 号", "户号只能用"), ("phone", "1380000123", "手机号应为 11 位"),
        ("id_card", "110105194912310021", "抄错了一位"), ("route_id", "999", "请选择区册"), ("people", "-1", "人口应为整数"),
        ("area", "1.234", "最多 2 位小数"), ("use_category_id", "0", "请选择水表性质"), ("charged_by_meter", "", "请选择是或否"),
        ("quota_id", "77", "请选择定额"), ("route_seq", "99999999999", "册内序号应为整数"), ("note", "长" * 301, "备注最多"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_stored(
    client: Site, book: int, field: str, value: str, sentence: str
) -> None:
    answer = client.post("/customers/new", data=typed(book, **{field: value}))
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error".*?{sentence}', answer.text, re.DOTALL)
    assert "东街55号" in answer.text
    assert db.session.scalars(select(Customer)).all() == []


def test_a_number_that_is_taken_is_refused_with_whose_it_is(client: Site, book: int) -> None:
    with transaction():
        make.customer(customer_no="07000001", holder="李秀英")
    answer = client.post("/customers/new", data=typed(book))
    assert answer.status_code == 422
    assert "户号「07000001」已经是「李秀英」的" in answer.text


def test_without_a_meter_the_form_says_which_standard_will_serve(client: Site, book: int) -> None:
    asked = {"use_category_id": make.category_id(), "charged_by_meter": "no", "people": ""}
    assert "还没有不抄表的收费标准" in client.get("/customers/standard", query_string=asked).text
    with transaction():
        make.tariff(UNMETERED)
    page = client.get("/customers/standard", query_string=asked).text
    assert "按「无表户包月」收：水费 每人每月 ¥3.00，管护费 每户每月 ¥5.00" in page
    assert "按人口收费，请填写人口" in page
    assert "请填写人口" not in client.get("/customers/standard", query_string=asked | {"people": "4"}).text
    metered = client.get("/customers/standard", query_string=asked | {"charged_by_meter": "yes"}).text
    assert metered.strip() == ""


def test_a_change_is_logged_field_by_field_and_the_initials_follow_the_name(client: Site, book: int) -> None:
    client.post("/customers/new", data=typed(book))
    key = the_one().id
    seen = seen_of(client.get(f"/customers/{key}/edit").text)
    answer = client.post(f"/customers/{key}/edit", data=typed(book, holder="曾小红", phone="0916-5123456", seen=seen))
    assert answer.location == f"/customers/{key}"
    assert "编辑成功" in client.get(answer.location).text
    person = the_one()
    assert (person.holder, person.holder_initials, person.phone) == ("曾小红", "zxh", "0916-5123456")
    assert log()[-1] == (
        "changed", {"holder": ["张建忠", "曾小红"], "phone": ["13800001234", "0916-5123456"]},
    )  # fmt: skip


def test_what_somebody_else_changed_meanwhile_is_kept_or_shown(client: Site, book: int) -> None:
    client.post("/customers/new", data=typed(book))
    key = the_one().id
    first, second = (seen_of(client.get(f"/customers/{key}/edit").text) for _ in range(2))
    client.post(f"/customers/{key}/edit", data=typed(book, phone="13911112222", address="西街1号", seen=first))
    late = typed(book, phone="13733334444", note="新来的", seen=second)
    answer = client.post(f"/customers/{key}/edit", data=late)
    assert answer.status_code == 422
    assert re.search(r'id="phone-error".*?站长刚改成「13911112222」。要用您填的，请再确认一次', answer.text, re.DOTALL)
    assert 'value="13733334444"' in answer.text
    assert the_one().phone == "13911112222"
    answer = client.post(f"/customers/{key}/edit", data=late | {"seen": seen_of(answer.text)})
    assert answer.status_code == 302
    person = the_one()
    assert (person.phone, person.note, person.address) == ("13733334444", "新来的", "西街1号")


def test_what_somebody_else_chose_meanwhile_is_told_by_its_name(client: Site, book: int) -> None:
    client.post("/customers/new", data=typed(book))
    key = the_one().id
    seen = seen_of(client.get(f"/customers/{key}/edit").text)
    trade, farming = make.category_id("非居民用水"), make.category_id("农业灌溉用水")
    client.post(f"/customers/{key}/edit", data=typed(book, use_category_id=trade, seen=seen))
    answer = client.post(f"/customers/{key}/edit", data=typed(book, use_category_id=farming, seen=seen))
    assert answer.status_code == 422
    assert "站长刚改成「非居民用水」。要用您填的，请再确认一次" in answer.text


def test_who_has_a_meter_cannot_become_one_without(client: Site, book: int) -> None:
    with transaction():
        bound = make.binding(make.customer(customer_no="07000001"))
        number = make.meter(meter_no="XN-1").meter_no
        assert number
    key = bound.customer_id
    page = client.get(f"/customers/{key}/edit").text
    assert 'name="use_category_id"' not in page
    data = typed(book, charged_by_meter="no", seen=seen_of(page))
    answer = client.post(f"/customers/{key}/edit", data=data)
    assert answer.status_code == 422
    assert "请先解绑，再改成不抄表" in answer.text
    assert the_one().charged_by_meter


def test_deleting_who_has_a_meter_says_which_to_unbind(client: Site, book: int) -> None:
    with transaction():
        bound = make.binding(make.customer())
        bound.meter.meter_no = "XN-0815"
    answer = client.post(f"/customers/{bound.customer_id}/deletion")
    assert "还绑着水表「XN-0815」，请先在「水表信息」里解绑。" in client.get(answer.location).text
    assert the_one().holder


def test_who_never_had_anything_is_erased(client: Site, book: int) -> None:
    with transaction():
        person = make.customer(holder="打错了")
    answer = client.post(f"/customers/{person.id}/deletion")
    assert "删除成功" in client.get(answer.location).text
    assert db.session.scalars(select(Customer)).all() == []
    assert log()[-1][0] == "deleted"


@pytest.fixture
def unbound(plant: Any) -> tuple[int, list[int]]:
    """Somebody with a bill of 25.20 whose meter has been unbound."""
    customer_id, bills = counter.billed(8)
    with transaction():
        bound = db.session.scalars(select(MeterBinding).where(MeterBinding.customer_id == customer_id)).one()
        bound.unbound_on = date(2026, 11, 2)
    return customer_id, bills


def test_with_a_debt_or_money_left_nothing_is_closed(client: Site, unbound: tuple[int, list[int]]) -> None:
    customer_id, bills = unbound
    answer = client.post(f"/customers/{customer_id}/deletion")
    assert answer.location == f"/customers/{customer_id}/closing"
    assert "有账单 1 张" in client.get(answer.location).text
    assert "还欠水费 ¥25.20" in client.post(answer.location).text
    with counter.on("2026-11-20"):
        counter.pay(customer_id, bills, "25.20")
        counter.put_in(customer_id, "10")
    assert "还有预存 ¥10.00" in client.post(answer.location).text
    assert the_one().state == "active"


def test_with_a_history_it_is_closed_never_erased_and_can_come_back(
    client: Site, unbound: tuple[int, list[int]]
) -> None:
    customer_id, bills = unbound
    with counter.on("2026-11-20"):
        counter.pay(customer_id, bills, "25.20")
        answer = client.post(f"/customers/{customer_id}/closing")
    assert "已销户" in client.get(answer.location).text
    person = the_one()
    assert (person.state, person.closed_on) == ("closed", date(2026, 11, 20))
    assert ledger.imbalance() == 0
    assert log()[-1] == ("changed", {"state": ["active", "closed"], "closed_on": [None, "2026-11-20"]})
    edit = client.get(f"/customers/{customer_id}/edit")
    assert edit.location == f"/customers/{customer_id}"
    client.post(f"/customers/{customer_id}/reopening")
    person = the_one()
    assert (person.state, person.closed_on) == ("active", None)


def test_the_changes_of_a_customer_are_told_in_words(client: Site, book: int) -> None:
    with transaction():
        other = make.route("西街一册", "西街").id
        bound = make.binding(make.customer(customer_no="07000001", holder="张建忠"))
        elsewhere = make.binding(make.customer(customer_no="07000002"))
        audit.record("stopped", "meter", bound.meter_id, {"reading": Decimal("12.000")})
        audit.record("stopped", "meter", elsewhere.meter_id, {"reading": Decimal("99.000")})
    key = bound.customer_id
    seen = seen_of(client.get(f"/customers/{key}/edit").text)
    client.post(f"/customers/{key}/edit", data=typed(book, holder="张大忠", route_id=other, id_card="", seen=seen))
    page = re.sub(r"<[^>]+>|\s+", " ", client.get(f"/customers/{key}?tab=changes").text)
    page = re.sub(r" +", " ", page)
    for words in ("站长", "修改用户", "户名 张建忠 → 张大忠", "区册 东街一册 → 西街一册", "停表", "读数 12"):
        assert words in page
    assert "99" not in page[page.index("做了什么") :]


def test_who_may_not_edit_sees_no_buttons_and_is_refused(site: Site, book: int) -> None:
    with transaction():
        person = make.customer()
        staff.create_staff(username="cashier", password=PASSWORD, name="王芳", role="cashier")
    site.log_in("cashier")
    page = site.get(f"/customers/{person.id}").text + site.get("/customers").text
    for words in ("修改</a>", "删除</a>", "批量", "新增</a>"):
        assert words not in page
    for path in ("/customers/new", f"/customers/{person.id}/edit", f"/customers/{person.id}/closing"):
        assert site.get(path).status_code == 403
    for path in (f"/customers/{person.id}/deletion", f"/customers/{person.id}/reopening"):
        assert site.post(path).status_code == 403
    for path in ("/customers/batch/route?id=1", "/customers/batch/auto-deduct?id=1"):
        assert site.get(path).status_code == 403
