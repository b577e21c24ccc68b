"""The screens of meters, without a browser."""

from __future__ import annotations

import re
import threading
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select, update

from app import clock
from app.areas.models import Route
from app.audit import AuditEntry
from app.customers.models import Customer
from app.db import db, transaction
from app.metering.models import Meter, MeterBinding, UseCategoryChange
from app.readings.models import Reading
from app.staff import service as staff
from app.tariffs.models import Tariff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.queries import count_queries  # noqa: F401 - a fixture

D = Decimal
LONG = "石泉镇人民政府机关后勤服务中心职工食堂"
NEW = {
    "meter_no": "sq170000001", "bore": "20", "meter_type": "机械表", "maker": "宁波水表", "installed_on": "2026-05-05",
    "digits": "5", "initial_reading": "12", "master_no": "", "note": "",
}  # fmt: skip


def shown(page: str) -> list[str]:
    return re.findall(r'<td class="code"><a href="/meters/\d+">(\S+?)</a>', page)


def stored(meter_id: int) -> Meter:
    db.session.rollback()
    return db.session.get_one(Meter, meter_id, populate_existing=True)


@pytest.fixture
def store(plant: Tenant) -> dict[str, int]:
    """One meter of every state, and who has the bound ones."""
    with transaction():
        make.tariff()
        person = make.customer(customer_no="07000001", holder=LONG, holder_initials="sqz")
        used = make.meter(meter_no="AA001", bore="DN20", meter_type="机械表", maker="宁波水表")
        bound = make.binding(person, meter_id=used.id, start_reading=D(5))
        make.reading(bound, 17, start=5)
        stopped = make.meter(meter_no="AA002", state="stopped")
        make.binding(make.customer(customer_no="07000002", holder="李秀英"), meter_id=stopped.id)
        retired = make.meter(meter_no="AA003", state="retired")
        free = make.meter(meter_no="BB004", initial_reading=D(3))
        return {
            "person": person.id, "used": used.id, "bound": bound.id, "stopped": stopped.id, "retired": retired.id,
            "free": free.id,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["AA001", "AA002", "AA003", "BB004"]),
        ("?tab=in_use", ["AA001"]),
        ("?tab=stopped", ["AA002"]),
        ("?tab=retired", ["AA003"]),
        ("?tab=free", ["BB004"]),
        ("?q=aa", ["AA001", "AA002", "AA003"]),
        ("?q=07000002", ["AA002"]),
        ("?q=食堂", ["AA001"]),
        ("?q=食堂&tab=free", []),
    ],
)
def test_tabs_and_search_narrow_the_list(client: Site, store: dict[str, int], query: str, numbers: list[str]) -> None:
    assert shown(client.get(f"/meters/{query}").text) == numbers


def test_a_meter_s_line_says_whose_it_is_and_what_it_showed_last(client: Site, store: dict[str, int]) -> None:
    page = client.get("/meters/?q=AA001").text
    for words in (LONG, "DN20", "机械表", "宁波水表", "居民生活用水", ">使用中<", '<td class="num">17</td>'):
        assert words in page
    assert '<td class="num">3</td>' in client.get("/meters/?q=BB004").text


def test_the_workbook_holds_what_the_filter_shows_and_more_of_it(client: Site, store: dict[str, int]) -> None:
    sheet = load_workbook(BytesIO(client.get("/meters/?tab=in_use&export=xlsx").data)).active
    assert sheet
    heads, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    found = dict(zip(heads, row, strict=True))
    assert (found["表号"], found["用户"], found["户号"], found["状态"]) == ("AA001", LONG, "07000001", "使用中")
    assert (found["上次读数"], found["量程"]) == (17, 99999)


def test_lists_and_pages_ask_little_however_many_there_are(
    client: Site,
    store: dict[str, int],
    count_queries: Any,  # noqa: F811
) -> None:
    with transaction():
        for _ in range(30):
            make.binding()
    paths = ("/meters/", f"/meters/{store['used']}", "/use-categories/changes", f"/customers/{store['person']}?tab=meters",
             f"/customers/{store['person']}/bindings/new", f"/bindings/{store['bound']}/meter")  # fmt: skip
    for path in paths:
        with count_queries() as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= 12, (path, seen)


def test_a_new_meter_is_read_as_an_import_would_read_it(client: Site) -> None:
    answer = client.post("/meters/new", data=NEW)
    assert (answer.status_code, answer.location) == (302, "/meters/")
    meter = db.session.scalars(select(Meter)).one()
    assert (meter.meter_no, meter.bore, meter.installed_on) == ("SQ170000001", "DN20", date(2026, 5, 5))
    assert (meter.initial_reading, meter.dial_modulus) == (D(12), D(100000))
    assert "新增成功" in client.get("/meters/").text
    assert client.post("/meters/new", data=NEW | {"meter_no": "SQ2", "again": "1"}).location == "/meters/new"


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"meter_no": ""}, "meter_no", "请填写表号"),
        ({"meter_no": "表 一!"}, "meter_no", "只能由字母、数字"),
        ({"meter_no": "AA001"}, "meter_no", "表号「AA001」已经有了"),
        ({"initial_reading": "100000"}, "initial_reading", "底数 100000 超过量程"),
        ({"initial_reading": "十"}, "initial_reading", "不是数字"),
        ({"installed_on": "昨天"}, "installed_on", "不是日期"),
        ({"master_no": "ZB9"}, "master_no", "没有表号「ZB9」"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    client: Site, store: dict[str, int], changes: dict[str, str], field: str, sentence: str
) -> None:
    answer = client.post("/meters/new", data=NEW | changes)
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error"[^\n]*{re.escape(sentence)}', answer.text)
    assert 'value="宁波水表"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(Meter)) == 4


def test_a_meter_is_changed_and_an_odd_dial_stays_as_it_is(client: Site, plant: Tenant) -> None:
    with transaction():
        key = make.meter(meter_no="AA1", dial_modulus=D(12346), note="旧").id
    page = client.get(f"/meters/{key}/edit").text
    assert "保持不变（最大 12345）" in page
    typed = NEW | {"meter_no": "AA1", "digits": "kept", "note": "新"}
    assert client.post(f"/meters/{key}/edit", data=typed).location == f"/meters/{key}"
    assert (stored(key).dial_modulus, stored(key).note, stored(key).bore) == (D(12346), "新", "DN20")
    page = client.get(f"/meters/{key}").text
    for words in ("编辑成功", "备注 旧 → 新", "站长"):
        assert words in page


def test_deleting_says_so_or_says_what_to_do_instead(client: Site, store: dict[str, int]) -> None:
    assert client.post(f"/meters/{store['free']}/deletion").location == "/meters/"
    assert "删除成功" in client.get("/meters/").text
    here = f"/meters/{store['used']}"
    assert client.post(f"{here}/deletion").location == here
    assert "已绑定给户号「07000001」，请先解绑" in client.get(here).text
    assert client.post(f"{here}/retirement").location == here
    assert "请先解绑" in client.get(here).text
    gone = f"/meters/{store['retired']}"
    assert client.post(f"{gone}/reinstatement").location == gone
    assert "启用成功" in client.get(gone).text
    assert (stored(store["retired"]).state, stored(store["used"]).state) == ("in_use", "in_use")


def test_stopping_and_resuming_are_kept_with_who_and_when(client: Site, store: dict[str, int]) -> None:
    here = f"/meters/{store['used']}"
    assert "上次读数 17" in client.get(f"{here}/stop").text
    answer = client.post(f"{here}/stop", data={"reading": "", "on": "2026-10-20"})
    assert answer.status_code == 422
    assert "请填写停表时水表上的读数" in answer.text
    client.post(f"{here}/stop", data={"reading": "19", "on": "2026-10-20", "reason": "外出"})
    assert stored(store["used"]).state == "stopped"
    assert db.session.scalars(select(Reading.end_reading)).all() == [D(19)]  # October's, not billed yet
    answer = client.post(f"{here}/resume", data={"reading": "18", "on": "2026-11-02"})
    assert (answer.status_code, "比停表时的 19 小" in answer.text) == (422, True)
    assert "停表成功" in answer.text
    client.post(f"{here}/resume", data={"reading": "19", "on": "2026-11-02"})
    assert stored(store["used"]).state == "in_use"
    page = client.get(here).text
    for words in ("外出", "2026-10-20", "2026-11-02", "恢复成功"):
        assert words in page
    stops = page[page.index("停表记录") : page.index("最近的抄表记录")]
    assert stops.count("站长") == 2


def bind(client: Site, store: dict[str, int], **typed: Any) -> Any:
    given = {"use_category_id": make.category_id(), "on": "2026-11-01", "start_reading": "", "meter": ""} | typed
    return client.post(f"/customers/{store['person']}/bindings/new", data=given)


def test_a_meter_is_bound_by_a_tick_or_by_its_whole_number(client: Site, store: dict[str, int]) -> None:
    with transaction():
        other = make.meter(meter_no="BB005").id
    home = f"/customers/{store['person']}?tab=meters"
    assert bind(client, store, meter_id=store["free"]).location == home
    assert bind(client, store, meter="bb005", start_reading="8").location == home
    rows = db.session.execute(
        select(MeterBinding.meter_id, MeterBinding.start_reading).where(
            MeterBinding.meter_id.in_([store["free"], other])
        )
    ).all()
    assert sorted(rows) == [(store["free"], D(3)), (other, D(8))]  # the 底数 where nothing was typed
    assert "绑定成功" in client.get(home).text


def test_looking_for_a_meter_binds_nothing(client: Site, store: dict[str, int]) -> None:
    with transaction():
        for number in range(12):
            make.meter(meter_no=f"CC{number:03d}")
    found = bind(client, store, meter="cc00", find="1", on="2026-10-30")
    assert found.status_code == 200
    assert found.text.count('name="meter_id"') == 8
    assert "请多输几位表号" in found.text
    assert 'value="2026-10-30"' in found.text
    part = client.get("/meters/free?meter=CC011").text
    assert re.search(r'name="meter_id" value="\d+" checked', part)
    assert "<html" not in part
    assert "没有这样的未绑定水表" in client.get("/meters/free?meter=AA001").text
    assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "请选择一块水表"),
        ({"meter": "ZZ"}, "没有找到表号「ZZ」"),
        ({"meter": "AA001"}, "表号「AA001」已绑定给户号「07000001」，请先解绑"),
        ({"meter": "AA003"}, "已停表或停用，请换一块水表"),
        ({"meter": "BB004", "start_reading": "100000"}, "读数应在 0 到 99999 之间"),
        ({"meter": "BB004", "on": "2099-01-01"}, "还没有到"),
        ({"meter": "BB004", "use_category_id": "9999"}, ""),
    ],
)
def test_a_binding_that_cannot_be_is_refused(
    client: Site, store: dict[str, int], typed: dict[str, str], sentence: str
) -> None:
    answer = bind(client, store, **typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.session.scalar(select(func.count()).select_from(MeterBinding)) == 2


def test_a_mixed_use_is_bound_with_its_standards(client: Site, store: dict[str, int]) -> None:
    with transaction():
        home = db.session.scalars(select(Tariff.id)).one()
        shop = make.tariff(name="商铺", use_category="非居民用水").tariff_id
    mix = {"mix-0-tariff_id": home, "mix-0-amount": "10", "mix-1-tariff_id": shop, "mix-1-amount": "80"}
    answer = bind(client, store, meter_id=store["free"], **mix)
    assert (answer.status_code, "比例加起来是 90%" in answer.text) == (422, True)
    assert 'value="80"' in answer.text
    bind(client, store, meter_id=store["free"], **mix | {"mix-1-amount": "90"})
    bound = db.session.scalars(select(MeterBinding).where(MeterBinding.meter_id == store["free"])).one()
    assert bound.mix == [{"tariff_id": home, "share": "0.1"}, {"tariff_id": shop, "share": "0.9"}]
    assert "混合用水" in client.get(f"/customers/{store['person']}?tab=meters").text


def test_two_browsers_that_bind_a_meter_at_once_do_not_both_get_it(
    app: Flask, plant: Tenant, store: dict[str, int]
) -> None:
    with transaction():
        other = make.customer(customer_no="07000009").id
    category, start, answers = make.category_id(), threading.Barrier(2), []
    db.session.rollback()
    browsers = [(Site(app, plant), person) for person in (store["person"], other)]
    for site, _ in browsers:
        site.log_in()

    def one(site: Site, person: int) -> None:
        start.wait()
        typed = {"meter_id": store["free"], "use_category_id": category, "on": "2026-11-01"}
        answers.append(site.post(f"/customers/{person}/bindings/new", data=typed))

    threads = [threading.Thread(target=one, args=browser) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [302, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert re.search(r"表号「BB004」已绑定给户号「0700000[19]」，请先解绑", refused.text)
    bound = select(func.count()).select_from(MeterBinding).where(MeterBinding.meter_id == store["free"])
    assert db.session.scalar(bound) == 1


def test_a_category_is_changed_and_the_history_says_by_whom(client: Site, store: dict[str, int]) -> None:
    here = f"/bindings/{store['bound']}"
    new = make.category_id(make.AGRICULTURAL)
    answer = client.post(f"{here}/use-category", data={"use_category_id": new, "effective_from": "2020-01-01"})
    assert (answer.status_code, "不能早于绑定日期" in answer.text) == (422, True)
    typed = {"use_category_id": new, "effective_from": "2026-11-01", "reason": "改种地"}
    answer = client.post(f"{here}/use-category", data=typed)
    assert answer.location == f"/customers/{store['person']}?tab=meters"
    row = db.session.scalars(select(UseCategoryChange)).one()
    assert (row.new_id, row.effective_from, row.reason) == (new, date(2026, 11, 1), "改种地")
    page = client.get(f"{here}/history").text
    for words in ("居民生活用水", make.AGRICULTURAL, "改种地", "站长", "2026-11-01"):
        assert words in page


def test_an_announced_change_is_shown_as_announced(client: Site, store: dict[str, int]) -> None:
    typed = {"use_category_id": make.category_id(make.AGRICULTURAL), "effective_from": "2099-01-01"}
    client.post(f"/bindings/{store['bound']}/use-category", data=typed)
    tab = client.get(f"/customers/{store['person']}?tab=meters").text
    assert re.search(r"居民生活用水.*2099-01-01 起 农业灌溉用水", tab, re.S)
    assert re.search(r"AA001.*居民生活用水", client.get("/use-categories/changes?tab=changed").text, re.S)


def test_a_dialog_goes_back_to_the_list_it_was_opened_on(client: Site, store: dict[str, int]) -> None:
    asked = {"HX-Request": "true", "HX-Target": "dialog-body", "HX-Current-URL": "http://x/use-categories/changes?q=AA"}
    page = client.get(f"/bindings/{store['bound']}/use-category", headers=asked).text
    assert "<html" not in page
    typed = {"use_category_id": make.category_id(make.AGRICULTURAL), "effective_from": "2026-11-01"}
    answer = client.post(f"/bindings/{store['bound']}/use-category", data=typed, headers=asked)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/use-categories/changes?q=AA")


def test_unbinding_asks_for_the_closing_reading_and_leaves_it_to_be_billed(client: Site, store: dict[str, int]) -> None:
    here = f"/bindings/{store['bound']}/unbinding"
    assert "确认解绑此水表吗？" in client.get(here).text
    assert client.post(here, data={"reading": "", "on": "2026-11-20"}).status_code == 422
    client.post(here, data={"reading": "20", "on": "2026-11-20"})
    bound = db.session.get_one(MeterBinding, store["bound"], populate_existing=True)
    assert (bound.unbound_on, bound.end_reading) == (date(2026, 11, 20), D(20))
    last = db.session.scalars(select(Reading).order_by(Reading.period.desc())).first()
    assert last
    assert (last.period, last.volume) == ("2026-11", D(3))
    answer = client.post(here, data={"reading": "21", "on": "2026-11-20"})
    assert (answer.status_code, "已经解绑" in answer.text) == (422, True)


def test_a_meter_is_replaced_by_one_that_is_picked(client: Site, store: dict[str, int]) -> None:
    here = f"/bindings/{store['bound']}/meter"
    typed = {"reading": "19", "on": "2026-11-10", "meter_id": store["free"]}
    answer = client.post(here, data=typed)
    assert (answer.status_code, "还没有出账，请先出账再换表" in answer.text) == (422, True)
    with transaction():
        db.session.get_one(Customer, store["person"]).charged_by_meter = False
    assert client.post(here, data=typed).status_code == 302
    bound = db.session.scalars(select(MeterBinding).where(MeterBinding.meter_id == store["free"])).one()
    assert (bound.start_reading, bound.carried_volume, bound.customer_id) == (D(3), D(2), store["person"])
    assert stored(store["used"]).state == "retired"
    assert "新表 BB004" in client.get(f"/meters/{store['used']}").text


PATHS = ("/meters/new", "/meters/{used}/edit", "/meters/{used}/stop", "/meters/{stopped}/resume",
         "/customers/{person}/bindings/new", "/bindings/{bound}/use-category", "/bindings/{bound}/meter",
         "/bindings/{bound}/unbinding")  # fmt: skip


def test_a_reader_looks_and_changes_nothing(site: Site, store: dict[str, int]) -> None:
    with transaction():
        reader = staff.create_staff(username="reader", password=PASSWORD, name="李抄表", role="reader")
        db.session.execute(update(Route).values(reader_id=reader.id))  # he sees his own books only
    site.log_in("reader")
    for path in PATHS:
        assert site.get(path.format(**store)).status_code == 403
        assert site.post(path.format(**store)).status_code == 403
    for action in ("deletion", "retirement", "reinstatement"):
        assert site.post(f"/meters/{store['free']}/{action}").status_code == 403
    pages = ("/meters/", "/meters/{used}", "/use-categories/changes", "/bindings/{bound}/history",
             "/customers/{person}?tab=meters")  # fmt: skip
    for path in pages:
        page = site.get(path.format(**store))
        assert page.status_code == 200
        for word in (">新增<", ">修改<", ">停表</a>", ">变更<", ">解绑<", ">绑定水表<"):
            assert word not in page.text, (path, word)


@pytest.mark.parametrize("path", [*PATHS, "/meters/{used}", "/bindings/{bound}/history"])
def test_what_does_not_exist_is_not_found(client: Site, plant: Tenant, path: str) -> None:
    nowhere = dict.fromkeys(("used", "stopped", "person", "bound"), 9999)
    if "{" in path:
        assert client.get(path.format(**nowhere)).status_code == 404


def test_an_empty_plant_is_told_what_to_do(client: Site) -> None:
    assert "还没有水表" in client.get("/meters/").text
    assert "还没有绑定的水表" in client.get("/use-categories/changes").text


def test_the_log_names_who_did_it(client: Site, plant: Tenant) -> None:
    client.post("/meters/new", data=NEW)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.entity == "meter")).one()
    assert (entry.by_name, entry.at.date()) == ("站长", clock.now().date())
