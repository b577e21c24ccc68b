"""操作日志: who did what, in plain words, found by whoever and whatever it is about; and what was carried away."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app import audit
from app.audit import AuditEntry
from app.customers import service as customers
from app.customers.models import Customer
from app.db import db, transaction
from app.payments.service.take_payment import top_up
from app.permissions import ROLES, Permission, allowed
from app.staff import service as staff
from app.tariffs.service import change_version, import_tariff
from app.trail import rules, words
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.intake.workbooks import sheet

TAGS = re.compile(r"<[^>]+>|\s+")


def shown(site: Site, query: str = "") -> str:
    """The page's table as text."""
    answer = site.get(f"/log{query}")
    assert answer.status_code == 200
    body = answer.text.partition("<tbody>")[2].partition("</tbody>")[0]
    return TAGS.sub(" ", body)


def plain(site: Site, query: str = "") -> str:
    return re.sub(r"\s+", " ", shown(site, query))


def rename(to: str = "李四", number: str = "07000123") -> Customer:
    """用户 07000123, first 张三."""
    with transaction():
        person = make.customer(customer_no=number, holder="张三")
    with transaction():
        db.session.refresh(person)
        customers.change_customer(person.id, values={"holder": to}, seen={})
    return person


def last() -> AuditEntry:
    return db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def test_a_change_reads_as_a_sentence_and_leads_to_the_customer(client: Site) -> None:
    person = rename()
    row = client.get("/log").text
    assert f'<a href="/customers/{person.id}">修改用户 07000123 李四</a>' in row
    assert "户名 张三 → 李四" in plain(client).replace(" 改成 ", " ")


def test_the_workbook_says_who_when_from_where_and_what(client: Site) -> None:
    rename()
    book = load_workbook(BytesIO(client.get("/log?export=xlsx").data)).worksheets[0]
    heads, *rows = [[cell.value for cell in row] for row in book.iter_rows()]
    assert heads == ["时间", "谁", "从哪里", "做了什么", "内容"]
    assert rows[0][1:] == ["系统", None, "修改用户 07000123 李四", "户名 张三 → 李四"]


def test_who_did_it_and_from_where_stand_beside_it(client: Site) -> None:
    client.post("/me", data={"name": "新站长", "mobile": ""})
    assert "新站长 127.0.0.1 修改员工 新站长 姓名 " in plain(client)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=07000123", True),
        ("?q=李四", True),
        ("?q=张三", True),
        ("?q=07000124", False),
        ("?about=customer", True),
        ("?about=payment", False),
        ("?by=0", True),
        ("?on_from=2026-11-20&on_to=2026-11-20", True),
        ("?on_from=2026-11-21", False),
        ("?on_to=2026-11-19", False),
        ("?q=系统", True),
        ("?about=nonsense&by=x&on_from=never", True),
    ],
)
def test_it_is_found_by_person_thing_number_words_and_day(
    client: Site, monkeypatch: pytest.MonkeyPatch, query: str, found: bool
) -> None:
    # half past midnight in the plant is still the day before in UTC
    monkeypatch.setattr("app.clock.now", lambda: datetime(2026, 11, 19, 16, 30, tzinfo=UTC))
    rename()
    monkeypatch.undo()
    assert ("修改用户 07000123" in plain(client, query)) is found


def test_a_number_finds_what_was_paid_and_read_there_too_and_a_receipt_its_payment(client: Site) -> None:
    with transaction():
        person = make.customer(customer_no="07000555")
        payment = top_up(person.id, amount=Decimal(20), method="cash", by_id=None)
        top_up(make.customer(customer_no="07000556").id, amount=Decimal(30), method="cash", by_id=None)
    number = f"{payment.receipt_year}-{payment.receipt_no:06d}"
    for query in ("?q=07000555", f"?q={number}"):
        lines = plain(client, query)
        assert f"充值 07000555 收据 {number} 方式 现金 收到 ¥20.00 实收 ¥20.00 预存变动 ¥20.00" in lines
        assert "07000556" not in lines


def test_a_new_price_is_told_as_the_sentences_that_differ(client: Site) -> None:
    with transaction():
        version = import_tariff(make.TIERED, by_id=None)
        dearer = [make.TIERED["charges"][0], {"item": "污水处理费", "basis": "volume", "price": "1.05"}]
        change_version(version, make.TIERED | {"charges": [*dearer, make.TIERED["charges"][2]]}, by_id=None)
    assert "收费内容 污水处理费 ¥0.95/吨 → 污水处理费 ¥1.05/吨" in plain(client).replace(" 改成 ", " ")


def test_what_is_deleted_is_still_called_by_its_name_and_leads_nowhere(client: Site) -> None:
    with transaction():
        person = make.customer(customer_no="07000900", holder="王五", phone="13912345678")
        customers.remove_customer(person.id)
    row = client.get("/log").text
    assert "删除用户 07000900" in plain(client)
    assert "13912345678" in row
    assert f"/customers/{person.id}" not in row


def test_personal_data_is_masked_for_those_who_need_it_not(site: Site) -> None:
    with transaction():
        staff.create_staff(username="shoufei", password=PASSWORD, name="王芳", role="cashier")
        person = make.customer()
        values = {"id_card": "110101199003074514", "phone": "13912345678"}
        customers.change_customer(person.id, values=values, seen={})
    site.log_in("shoufei")
    page = site.get(f"/customers/{person.id}?tab=changes").text
    assert "110101********4514" in page
    assert "139****5678" in page
    assert "12345678" not in page
    assert "199003074514" not in page


def test_the_customer_s_own_tab_says_the_same(client: Site) -> None:
    person = rename()
    body = TAGS.sub(" ", client.get(f"/customers/{person.id}?tab=changes").text)
    assert "修改用户" in body
    assert re.search(r"户名 +张三 +→ +李四", body)


def test_only_the_manager_opens_it(site: Site) -> None:
    assert [role for role in ROLES if allowed(role, Permission.VIEW_AUDIT)] == ["manager"]
    with transaction():
        staff.create_staff(username="caiwu", password=PASSWORD, name="财务", role="accountant")
    site.log_in("caiwu")
    assert site.get("/log").status_code == 403
    assert 'href="/log"' not in site.get("/").text


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET by_name = ''", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_the_plant_itself_cannot_change_a_line(plant: Tenant, statement: str) -> None:
    rename()
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert last().changes == {"holder": ["张三", "李四"]}


def test_an_exported_list_is_told_with_its_filter_and_rows(client: Site) -> None:
    with transaction():
        book = make.route().id
        for number in ("1", "2", "3"):
            make.customer(customer_no=number)
    assert client.get(f"/customers?q=刘文海&route={book}&export=xlsx").status_code == 200
    line = last()
    assert (line.action, line.entity, line.by_name, line.address) == ("exported", "list", "站长", "127.0.0.1")
    assert line.changes["list"] == "用户档案"
    assert line.changes["rows"] == 3
    assert line.changes["filter"] == "「刘文海」，东街一册"
    assert "导出 用户档案 筛选 「刘文海」，东街一册 行数 3" in plain(client, "?about=list")


@pytest.mark.parametrize(
    "path", ["/reports/monthly.pdf", "/reports/monthly.xlsx", "/log?export=xlsx", "/staff?export=xlsx"]
)
def test_every_file_that_leaves_has_a_line(client: Site, path: str) -> None:
    assert client.get(path).status_code == 200
    line = last()
    assert (line.action, line.entity) == ("exported", "list")
    assert line.changes["file"].endswith((".pdf", ".xlsx"))
    assert line.changes["list"]


@pytest.mark.parametrize("path", ["/imports/customers/template.xlsx", "/customers", "/reports/monthly"])
def test_pages_and_empty_forms_have_none(client: Site, path: str) -> None:
    before = last().id if db.session.scalar(select(AuditEntry.id).limit(1)) else 0
    assert client.get(path).status_code == 200
    db.session.rollback()
    assert (last().id if before else 0) == before


def test_every_list_of_the_plant_is_told_when_it_is_exported(client: Site, app: Flask) -> None:
    """New lists too: they are found by their buttons."""
    with transaction():
        make.used(5)
    told = set()
    for rule in app.url_map.iter_rules():
        plain_page = "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith("/console")
        if not plain_page or b'id="list-export"' not in client.get(rule.rule).data:
            continue
        before = last().id
        assert client.get(f"{rule.rule}?export=xlsx").status_code == 200
        db.session.rollback()
        assert last().id > before, rule.rule
        told.add(last().changes["list"])
    assert {"用户档案", "水费缴费订单", "操作日志", "员工", "定额"} <= told
    assert len(told) > 8


def test_an_import_is_told_once_in_the_name_of_who_confirmed_it(client: Site) -> None:
    upload = sheet(("表号", "底数"), ("A1", 5), ("A2", 6))
    sent = client.post("/imports/meters", data={"file": (upload, "一批水表.xlsx")})
    client.post(f"{sent.location}/confirmation")
    line = last()
    assert (line.action, line.entity, line.by_name, line.address) == ("imported", "meter", "站长", "127.0.0.1")
    assert line.changes == {"filename": "一批水表.xlsx", "meters": 2}
    assert "导入水表 文件 一批水表.xlsx 水表 2" in plain(client)


def test_a_worker_writes_in_the_name_of_who_asked(plant: Tenant, commit: Callable[[], object]) -> None:
    with audit.in_the_name_of(audit.Actor(7, "王会计", "10.0.0.7")), transaction():
        audit.record("changed", "setting", None, {"bill_day": [1, 2]})
    assert (last().by_id, last().by_name, last().address) == (7, "王会计", "10.0.0.7")
    assert audit.actor() == audit.NOBODY


def test_a_plant_of_many_lines_answers_at_once(client: Site) -> None:
    """Not a benchmark: that no page reads the whole log row by row. Figures: bench pages."""
    with transaction():
        person = make.customer(customer_no="07000001")
        db.session.execute(
            text("""INSERT INTO audit_entry (at, by_name, address, action, entity, entity_id, changes)
                    SELECT now() - n * interval '1 minute', '系统', '', 'changed', 'customer', :id, '{"phone": ["1", "2"]}'
                    FROM generate_series(1, 5000) n"""),
            {"id": person.id},
        )
    assert "共 5,0" in client.get("/log").text
    assert client.get("/log?page=200").status_code == 200


def test_every_field_that_is_logged_has_a_word(plant: Tenant) -> None:
    """The columns of what is logged whole, where nothing may be left in English."""
    from app.models import customers as c
    from app.models import metering as m
    from app.models import staff as s
    from app.models import tariffs as t

    models = {"customer": c.Customer, "meter": m.Meter, "staff_user": s.StaffUser, "quota": t.Quota}
    silent = audit.UNTOLD | {"credit_balance", "created_at", "last_login_at"}
    missing = [
        f"{entity}.{column.key}"
        for entity, model in models.items()
        for column in model.__table__.columns
        if column.key not in silent and not any(word in column.key for word in audit.SECRET)
        if rules.label(entity, column.key) is None
    ]
    assert missing == []


def test_no_secret_of_an_account_is_told(plant: Tenant) -> None:
    with transaction():
        person = staff.create_staff(username="xin", password=PASSWORD, name="新人", role="clerk")
        person.totp_secret, person.recovery_codes = "JBSWY3DPEHPK3PXP", ["a", "b"]
    assert set(audit.facts(person)) >= {"username", "name", "role"}
    assert not set(audit.facts(person)) & {"password_hash", "totp_secret", "totp_step", "recovery_codes"}
    assert "hash" not in str(last().changes)


def test_words_of_days_and_numbers() -> None:
    assert rules.said("end_reading", "12.500") == "12.5"
    assert rules.said("received", "1234.5") == "¥1,234.50"
    assert rules.said("period", "2026-10") == "2026年10月"
    assert rules.done("staff_user", "changed", {"active": [True, False]}) == "停用员工"
    assert rules.done("route", "changed", {"reader_id": [None, 3]}) == "分配抄表范围"
    assert rules.done("staff_user", "changed", {"password": "reset"}) == "重置密码"
    assert rules.done("nothing", "strange", {}) == "处理其他"
    assert str(words.Part("户名", "张三", "李四")) == "户名 张三 → 李四"
    assert date(2026, 10, 5).isoformat() == rules.said("on", "2026-10-05")
