"""整册录入, 录入一户, 复核 and 更正, as the screens do them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.models import Bill
from app.billing.service import issue_bills
from app.db import db, transaction
from app.permissions import Permission
from app.readings.models import Reading
from app.staff import service as staff
from tenants.context import Tenant
from tests import factories as make
from tests.conftest import PASSWORD, Site
from tests.payments import counter

D = Decimal
OCTOBER = "2026-10"


@pytest.fixture
def book(plant: Tenant) -> dict[str, int]:
    """東街一册 with three households read in September, and 西街 of another reader's; ids by name."""
    with transaction():
        make.tariff()
        reader = staff.create_staff(username="li", password=PASSWORD, name="李建国", role="reader")
        make.route("东街一册", "东街").reader_id = None
        west = make.route("西街一册", "西街")
        west.reader_id = reader.id
        found = {"route": make.route().id, "west": west.id, "reader": reader.id}
        for seq, name in enumerate(("甲", "乙", "丙"), 1):
            bound = make.binding(make.customer(customer_no=f"0700000{seq}", holder=name, route_seq=seq))
            make.reading(bound, 10 * seq, period="2026-09")
            found[name] = bound.id
        found["west-1"] = make.binding(make.customer(route_id=west.id)).id
    return found


def readings(period: str = OCTOBER) -> dict[int, tuple[Decimal | None, str, str]]:
    found = db.session.scalars(
        select(Reading).where(Reading.period == period).execution_options(populate_existing=True)
    ).all()
    db.session.rollback()
    return {one.binding_id: (one.end_reading, one.kind, one.review) for one in found}


def words(page: str) -> str:
    return re.sub(r"<[^>]+>|\s+", "", page)


def test_a_reader_sees_the_own_books_alone(client: Site, book: dict[str, int]) -> None:
    client.post("/logout")
    client.log_in("li")
    page = client.get(f"/readings/books?period={OCTOBER}").text
    assert listed(page) == ["西街一册"]
    assert "已抄0/1" in words(page)
    assert client.get(f"/readings/books/{book['west']}").status_code == 200
    assert client.get(f"/readings/books/{book['route']}").status_code == 404


def test_who_sees_all_books_sees_the_own_ones_first(client: Site, book: dict[str, int]) -> None:
    with transaction():
        make.may_also("reader", Permission.VIEW_ALL_BOOKS)
    client.post("/logout")
    client.log_in("li")
    page = words(client.get(f"/readings/books?period={OCTOBER}").text)
    assert page.index("我的册") < page.index("西街一册") < page.index("其他册") < page.index("东街一册")
    assert "东街一册—303—" in page  # nobody's; 应抄 3, 已抄 0, 未抄 3


@pytest.fixture
def many_books(book: dict[str, int]) -> None:
    """45 more of 北街, 001册 to 045册, with a household each; 李建国 reads the last."""
    with transaction():
        for number in range(1, 46):
            route = make.route(f"{number:03d}册", "北街")
            route.reader_id = book["reader"] if number == 45 else None
            make.reading(
                make.binding(make.customer(route_id=route.id)), 10, period=OCTOBER if number < 5 else "2026-09"
            )


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]+>(\S+?)</a>', page)


def test_books_are_shown_by_twenty_and_summed_over_all(client: Site, many_books: None) -> None:
    pages = [client.get(f"/readings/books?period={OCTOBER}&page={number}").text for number in (1, 2, 3, 9)]
    assert [len(listed(page)) for page in pages] == [20, 20, 7, 7]
    shown = [name for page in pages[:3] for name in listed(page)]
    assert shown == ["东街一册", "西街一册", *(f"北街{number:03d}册" for number in range(1, 46))]
    for page in pages:
        assert "共47册·应抄49·已抄4·未抄45" in words(page)
        assert "已抄4/49" in words(page)
    assert f'href="/readings/books?period={OCTOBER}&amp;page=2"' in pages[0]
    assert len(listed(client.get(f"/readings/books?period={OCTOBER}&size=50").text)) == 47


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=04", [f"北街{n:03d}册" for n in (4, *range(40, 46))]), ("q=东街", ["东街一册"]),
        ("q=李建", ["西街一册", "北街045册"]), ("q=045", ["北街045册"]), ("q=没有", []), ("q=%25", []),
    ],
)  # fmt: skip
def test_a_book_is_found_by_its_name_or_its_reader(
    client: Site, many_books: None, query: str, expected: list[str]
) -> None:
    page = client.get(f"/readings/books?period={OCTOBER}&{query}").text
    assert listed(page) == expected
    assert f"共{len(expected)}册" in words(page) if expected else "没有符合条件的册" in page
    assert "已抄4/49" in words(page)  # the plant's, whatever is searched for


def test_books_of_one_area_and_the_own_ones_first_on_every_page(client: Site, many_books: None) -> None:
    whole = client.get(f"/readings/books?period={OCTOBER}").text
    areas = dict(re.findall(r'<option value="(\d+)" >(\S+?)</option>', whole))
    west = next(key for key, name in areas.items() if name == "西街")
    assert listed(client.get(f"/readings/books?period={OCTOBER}&district={west}").text) == ["西街一册"]
    with transaction():
        make.may_also("reader", Permission.VIEW_ALL_BOOKS)
    client.post("/logout")
    client.log_in("li")
    first, last = (client.get(f"/readings/books?period={OCTOBER}&page={number}").text for number in (1, 3))
    assert listed(first)[:3] == ["西街一册", "北街045册", "东街一册"]
    assert "我的册" in first
    assert "我的册" not in last
    assert "其他册" in last


def test_the_book_stands_in_the_reader_s_order(client: Site, book: dict[str, int]) -> None:
    page = client.get(f"/readings/books/{book['route']}?period={OCTOBER}").text
    assert re.findall(r'for="end-\d+">(.)<', page) == ["甲", "乙", "丙"]
    assert "已抄0/3·未抄3" in words(page)


def test_a_row_is_stored_as_it_is_left(client: Site, book: dict[str, int]) -> None:
    url = f"/readings/books/{book['route']}/rows/{book['甲']}?period={OCTOBER}"
    answer = client.post(url, data={"end": "15", "read_on": "2026-10-12"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert 'data-mark="stored" data-value="15"' in answer.text
    assert "已抄1/3·未抄2" in words(answer.text)
    assert readings() == {book["甲"]: (D(15), "actual", "accepted")}
    odd = client.post(url, data={"end": "3"}, headers={"HX-Request": "true"})
    assert 'data-mark="odd"' in odd.text
    assert "待复核：止码倒走" in odd.text
    assert readings()[book["甲"]] == (D(3), "actual", "held")


@pytest.mark.parametrize(("typed", "sentence"), [("abc", "应是数字"), ("100000", "超过量程"), ("-3", "应是数字")])
def test_a_row_that_cannot_be_is_refused_beside_it(
    client: Site, book: dict[str, int], typed: str, sentence: str
) -> None:
    url = f"/readings/books/{book['route']}/rows/{book['甲']}?period={OCTOBER}"
    answer = client.post(url, data={"end": typed}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert readings() == {}


def test_without_javascript_the_good_rows_are_stored_and_the_others_keep_what_was_typed(
    client: Site, book: dict[str, int]
) -> None:
    typed = {f"end-{book['甲']}": "15", f"end-{book['乙']}": "12x", f"end-{book['丙']}": "100000"}
    answer = client.post(f"/readings/books/{book['route']}?period={OCTOBER}", data=typed | {"read_on": "2026-10-12"})
    assert answer.status_code == 422
    assert readings() == {book["甲"]: (D(15), "actual", "accepted")}
    assert 'value="12x"' in answer.text
    assert "应是数字" in answer.text
    assert "超过量程" in answer.text
    typed = {f"end-{book['甲']}": "15", f"end-{book['乙']}": "26", f"end-{book['丙']}": ""}
    assert client.post(f"/readings/books/{book['route']}?period={OCTOBER}", data=typed).status_code == 302
    assert readings()[book["乙"]] == (D(26), "actual", "accepted")


def test_a_billed_row_cannot_be_typed_into(client: Site, book: dict[str, int]) -> None:
    client.post(f"/readings/books/{book['route']}?period={OCTOBER}", data={f"end-{book['甲']}": "15"})
    with transaction():
        issue_bills(OCTOBER, on=counter.ISSUED, by_id=None)
    page = client.get(f"/readings/books/{book['route']}?period={OCTOBER}").text
    assert re.search(rf'id="end-{book["甲"]}"[^>]*readonly', page)
    answer = client.post(f"/readings/books/{book['route']}/rows/{book['甲']}?period={OCTOBER}", data={"end": "16"})
    assert "已出账" in answer.text
    assert readings()[book["甲"]][0] == 15


@pytest.mark.parametrize("count", [1, 40])
def test_a_book_takes_the_same_few_queries_however_long(
    client: Site, book: dict[str, int], count: int, count_queries: Any
) -> None:
    with transaction():
        for seq in range(count):
            make.binding(make.customer(route_seq=10 + seq))
    with count_queries() as seen:
        client.get(f"/readings/books/{book['route']}?period={OCTOBER}")
    assert len(seen) <= 12, seen


def test_one_household_is_found_and_entered(client: Site, book: dict[str, int]) -> None:
    found = client.get(f"/readings/enter?q=07000002&period={OCTOBER}")
    assert found.headers["Location"] == f"/readings/bindings/{book['乙']}?period={OCTOBER}"
    form = {"kind": "estimated", "end_reading": "", "read_on": "2026-10-12", "note": "锁门"}
    assert client.post(found.headers["Location"], data=form).status_code == 302
    assert readings() == {book["乙"]: (D(40), "estimated", "accepted")}
    assert "编辑成功" in client.post(
        found.headers["Location"], data=form | {"kind": "unread"}, follow_redirects=True
    ).text  # fmt: skip
    assert readings()[book["乙"]] == (None, "unread", "accepted")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"end_reading": ""}, "实抄要填止码"), ({"kind": "unread"}, "未抄不填止码"),
        ({"read_on": "2999-01-01"}, "不能晚于今天"), ({"end_reading": "一百"}, "应是数字"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_explained_at_its_field(
    client: Site, book: dict[str, int], changes: dict[str, str], sentence: str
) -> None:
    form = {"kind": "actual", "end_reading": "15", "read_on": "2026-10-12", "note": ""} | changes
    answer = client.post(f"/readings/bindings/{book['甲']}?period={OCTOBER}", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert readings() == {}


@pytest.fixture
def held(client: Site, book: dict[str, int]) -> dict[str, int]:
    """甲 and 乙 wait for review; reading ids by name."""
    typed = {f"end-{book['甲']}": "900", f"end-{book['乙']}": "15"}
    client.post(f"/readings/books/{book['route']}?period={OCTOBER}", data=typed)
    rows = db.session.execute(select(Reading.binding_id, Reading.id).where(Reading.period == OCTOBER))
    by_binding = {binding_id: key for binding_id, key in rows}
    db.session.rollback()
    return {name: by_binding[book[name]] for name in ("甲", "乙")}


def test_the_reviewer_sees_the_reason_and_the_year(client: Site, held: dict[str, int]) -> None:
    page = client.get(f"/readings/review?period={OCTOBER}").text
    assert "本期用了890m³，前三期平均只有10m³" in words(page)
    assert page.count("<rect") == 13
    assert "止码15比起码20小5" in words(client.get(f"/readings/review?period={OCTOBER}&at={held['乙']}").text)


@pytest.mark.parametrize(
    ("form", "after"),
    [
        ({"decision": "accept"}, (D(900), "actual", "accepted")),
        ({"decision": "correct", "end_reading": "90"}, (D(90), "actual", "accepted")),
        ({"decision": "estimate"}, (D(20), "estimated", "accepted")),
        ({"decision": "return"}, (D(900), "actual", "returned")),
    ],
)
def test_a_decision_is_stored_and_leads_to_the_next(
    client: Site, book: dict[str, int], held: dict[str, int], form: dict[str, str], after: tuple[Any, ...]
) -> None:
    answer = client.post(f"/readings/{held['甲']}/review", data=form)
    assert answer.headers["Location"] == f"/readings/review?period={OCTOBER}&at={held['乙']}"
    assert readings()[book["甲"]] == after


@pytest.mark.parametrize(
    ("name", "form", "sentence"),
    [
        ("乙", {"decision": "accept"}, "不像走过了一圈"),
        ("甲", {"decision": "correct"}, "请填写更正后的止码"),
        ("甲", {"decision": "accept", "end_reading": "90"}, "填了更正后的止码"),
        ("甲", {"decision": "nonsense"}, "请重新选择"),
    ],
)
def test_a_decision_that_cannot_be_is_explained(
    client: Site, book: dict[str, int], held: dict[str, int], name: str, form: dict[str, str], sentence: str
) -> None:
    answer = client.post(f"/readings/{held[name]}/review", data=form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert readings()[book[name]][2] == "held"


def test_who_may_not_reverse_cannot_correct_what_is_billed(client: Site, book: dict[str, int]) -> None:
    client.post(f"/readings/books/{book['route']}?period={OCTOBER}", data={f"end-{book['甲']}": "24"})
    with transaction():
        issue_bills(OCTOBER, on=counter.ISSUED, by_id=None)
        reading = db.session.scalars(
            select(Reading.id).where(Reading.binding_id == book["甲"], Reading.period == OCTOBER)
        ).one()
        staff.create_staff(username="ziliao", password=PASSWORD, name="孙丽", role="clerk")
    url = f"/readings/{reading}/correction"
    answer = client.post(url, data={"end_reading": "20", "reason": "抄错一位"}, follow_redirects=True)
    assert "编辑成功：退回 4 m³，¥19.60" in answer.text
    made = db.session.scalars(select(Bill).where(Bill.kind == "adjustment")).one()
    assert (made.volume, made.amount) == (D(-4), D("-19.60"))
    counter.books()
    db.session.rollback()
    client.post("/logout")
    client.log_in("ziliao")
    assert client.get(url).status_code == 403


@pytest.mark.parametrize("path", ["/readings/books", "/readings/enter", "/readings/review"])
def test_a_cashier_enters_and_reviews_nothing(client: Site, book: dict[str, int], path: str) -> None:
    with transaction():
        staff.create_staff(username="shoufei", password=PASSWORD, name="王芳", role="cashier")
    client.post("/logout")
    client.log_in("shoufei")
    assert client.get(path).status_code == 403
    assert "整册录入" not in client.get("/readings").text
