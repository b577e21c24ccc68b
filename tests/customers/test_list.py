"""用户档案: who is found, how they are sorted into tabs, and one customer's page."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.billing.models import OpenItem
from app.customers.models import Customer
from app.db import db, transaction
from app.metering.models import Meter
from app.staff import service
from tests import factories as make
from tests.conftest import PASSWORD, Site

LONG = "石泉镇人民政府机关后勤服务中心职工食堂"


def owe(person: Customer, amount: str, bill_id: int = 1) -> None:
    db.session.add(
        OpenItem(
            bill_id=bill_id, customer_id=person.id, period="2026-10", due_on=date(2026, 11, 25), unpaid=Decimal(amount)
        )
    )


@pytest.fixture
def village(plant: Any) -> dict[str, int]:
    """One customer in every state; name → id."""
    with transaction():
        made = {
            "normal": make.customer(customer_no="07000001", holder="张建忠", holder_initials="zjz", address="西街9号"),
            "stopped": make.customer(customer_no="07000002", holder="李秀英", holder_initials="lxy"),
            "owing": make.customer(customer_no="07000003", holder=LONG, holder_initials="sqzrmzf", phone="13911112222"),
            "unmetered": make.customer(
                customer_no="07000004", holder="何玉兰", holder_initials="hyl", charged_by_meter=False
            ),
            "closed": make.customer(customer_no="07000005", holder="马国强", holder_initials="mgq", state="closed"),
        }
        make.binding(made["normal"])
        stopped = make.binding(made["stopped"])
        db.session.get_one(Meter, stopped.meter_id).state = "stopped"
        owing = make.binding(made["owing"])
        db.session.get_one(Meter, owing.meter_id).meter_no = "XN-0815"
        owe(made["owing"], "41.80", 1)
        owe(made["owing"], "12.20", 2)
    return {name: person.id for name, person in made.items()}


def tabs(page: str) -> dict[str, int]:
    found = re.findall(r'id="list-tab-\w+"[^>]*>(\S+) ([\d,]+)</a>', page)
    return {label: int(count.replace(",", "")) for label, count in found}


def shown(page: str) -> list[str]:
    return re.findall(r">(070000\d\d)</a>", page)


def test_the_tabs_count_every_state(client: Any, village: Any) -> None:
    assert tabs(client.get("/customers").text) == {
        "全部": 5, "正常": 2, "停表": 1, "欠费": 1, "不抄表": 1, "销户": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("normal", ["07000001", "07000004"]), ("stopped", ["07000002"]), ("owed", ["07000003"]),
        ("unmetered", ["07000004"]), ("closed", ["07000005"]),
    ],
)  # fmt: skip
def test_a_tab_shows_whom_it_counts(client: Any, village: Any, tab: str, expected: list[str]) -> None:
    assert shown(client.get(f"/customers?tab={tab}").text) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("07000003", "07000003"), ("建忠", "07000001"), ("食堂", "07000003"), ("13911112222", "07000003"), ("2222", "07000003"),
        ("西街9", "07000001"), ("zjz", "07000001"), ("ZJ", "07000001"), ("xn-0815", "07000003"), ("  张建忠 ", "07000001"),
        ("7000003", "07000003"), ("0003", "07000003"), ("139111", "07000003"), ("911112", "07000003"), ("机关后勤", "07000003"),
        ("9号", "07000001"), ("0815", "07000003"), ("N-08", "07000003"), ("hy", "07000004"), ("hyl", "07000004"),
    ],
)  # fmt: skip
def test_a_customer_is_found_by(client: Any, village: Any, typed: str, expected: str) -> None:
    assert shown(client.get("/customers", query_string={"q": typed}).text) == [expected]


@pytest.mark.parametrize("typed", ["jz", "yl", "07000001 ", "建 忠", "忠建", "%", "_", "XN0815", "000000000"])
def test_nobody_is_found_by_what_he_is_not(client: Any, village: Any, typed: str) -> None:
    expected = ["07000001"] if typed.strip() == "07000001" else []
    assert shown(client.get("/customers", query_string={"q": typed}).text) == expected


def test_the_counts_follow_the_search(client: Any, village: Any) -> None:
    page = client.get("/customers?q=食堂").text
    assert tabs(page) == {"全部": 1, "正常": 0, "停表": 0, "欠费": 1, "不抄表": 0}
    assert "共 1 户 · 余额合计 ¥0.00 · 欠费合计 ¥54.00" in re.sub(r"\s+", " ", page)


def test_what_is_owed_comes_from_all_open_bills(client: Any, village: Any) -> None:
    page = client.get("/customers?tab=owed").text
    assert "¥54.00" in page
    assert LONG in page


def test_somebody_stopped_who_owes_is_shown_as_both(client: Any, village: Any) -> None:
    with transaction():
        owe(db.session.get_one(Customer, village["stopped"]), "5.00", 3)
    page = client.get("/customers?q=李秀英").text
    assert re.findall(r'class="state[^"]*">(\S+?)</span>', page) == ["停表", "欠费"]


def test_book_and_category_narrow_the_list(client: Any, village: Any) -> None:
    with transaction():
        other = make.route("南川二册", "南川")
        farmer = make.customer(
            customer_no="07000009", route_id=other.id, use_category_id=make.category_id(make.AGRICULTURAL)
        )
        changed = make.binding(make.customer(customer_no="07000010"))
        changed.use_category_id = farmer.use_category_id
        book, category = other.id, farmer.use_category_id
    assert shown(client.get(f"/customers?route={book}").text) == ["07000009"]
    assert shown(client.get(f"/customers?category={category}").text) == ["07000009", "07000010"]


def test_a_reader_sees_the_list_but_no_money_buttons(site: Any, village: Any) -> None:
    with transaction():
        make.give_all_books(service.create_staff(username="reader", password=PASSWORD, name="李抄表", role="reader").id)
    site.log_in("reader")
    page = site.get("/customers").text
    assert shown(page)
    for word in (">充值<", "缴费</a>", ">新增<", ">导入<"):
        assert word not in page


def test_an_empty_plant_is_told_what_to_do(client: Any) -> None:
    assert "还没有用户" in client.get("/customers").text


def test_the_list_asks_who_is_there(site: Any) -> None:
    response = site.get("/customers?q=张")
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")


def test_the_neighbour_sees_none_of_them(app: Any, village: Any, neighbour: Any) -> None:
    other = Site(app, neighbour)
    other.log_in()
    assert "张建忠" not in other.get("/customers").text
    assert "张建忠" not in other.get(f"/customers/{village['normal']}").text


def test_a_customers_page_says_who_how_much_and_where(client: Any, village: Any) -> None:
    page = client.get(f"/customers/{village['owing']}").text
    for words in (LONG, "07000003", "¥54.00", "东街一册", "XN-0815", "居民生活用水"):
        assert words in page


@pytest.mark.parametrize(
    ("tab", "words"),
    [("meters", "XN-0815"), ("readings", "2026年10月"), ("bills", "还没有账单"), ("payments", "还没有缴费记录")],
)
def test_every_tab_has_an_address_of_its_own(client: Any, village: Any, tab: str, words: str) -> None:
    with transaction():
        bound = make.binding(db.session.get_one(Customer, village["owing"]))
        make.reading(bound, 12)
    page = client.get(f"/customers/{village['owing']}?tab={tab}").text
    assert re.search(rf'id="tab-{tab}"[^>]*aria-current="true"', page)
    assert words in page


def test_htmx_loads_a_tab_without_the_page(client: Any, village: Any) -> None:
    headers = {"HX-Request": "true", "HX-Target": "tab"}
    part = client.get(f"/customers/{village['owing']}?tab=meters", headers=headers).text
    assert part.lstrip().startswith('<section class="card" id="tab">')
    assert "<html" not in part


def test_whoever_may_not_see_bills_has_no_such_tab(site: Any, village: Any) -> None:
    with transaction():
        make.give_all_books(service.create_staff(username="reader", password=PASSWORD, name="李抄表", role="reader").id)
    site.log_in("reader")
    page = site.get(f"/customers/{village['owing']}?tab=bills").text
    assert 'id="tab-bills"' not in page
    assert re.search(r'id="tab-profile"[^>]*aria-current="true"', page)


def test_an_identity_card_is_not_shown_in_full_at_the_window(site: Any, village: Any) -> None:
    with transaction():
        db.session.get_one(Customer, village["normal"]).id_card = "612324196503071234"
        service.create_staff(username="wf", password=PASSWORD, name="王芳", role="cashier")
    site.log_in("wf")
    page = site.get(f"/customers/{village['normal']}").text
    assert "612324********1234" in page
    assert "612324196503071234" not in page


def test_names_are_written_as_they_are_and_not_as_html(client: Any, plant: Any) -> None:
    with transaction():
        person = make.customer(holder="<b>张</b>\"'")
    assert "<b>张</b>" not in client.get("/customers").text
    assert "<b>张</b>" not in client.get(f"/customers/{person.id}").text
