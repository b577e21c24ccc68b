"""The one mechanism behind every list, seen through 用户档案."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook
from redis import Redis
from sqlalchemy import event, select

from app.customers.models import Customer
from app.db import db, transaction
from app.intake.models import ImportJob
from app.web import files, tables
from app.web.sheets import Heading, write_sheet
from tenants import context
from tenants.session import ENTRY, engine
from tests import factories as make
from tests.conftest import make_plant


@pytest.fixture
def people(plant: Any) -> None:
    """45 customers, 户号 70000001 … 70000045."""
    with transaction():
        for number in range(1, 46):
            make.customer(
                customer_no=f"700000{number:02d}",
                holder=f"用户{number:02d}",
                holder_initials="yh",
                credit_balance=Decimal("1.10"),
                opened_on=date(2020, 1, 1),
                route_seq=45 - number,
            )


def numbers(page: str) -> list[str]:
    """户号 in the order shown."""
    return re.findall(r">(700000\d\d)</a>", page)


def footer(page: str) -> str:
    found = re.search(r'<p role="status">(.*?)</p>', page, re.DOTALL)
    return re.sub(r"\s+", " ", found[1]).strip() if found else ""


def sheet(response: Any) -> list[tuple[Any, ...]]:
    book = load_workbook(BytesIO(response.data))
    return list(book.active.iter_rows(values_only=True))


def test_a_page_shows_twenty_rows_and_the_totals_of_all(client: Any, people: None) -> None:
    page = client.get("/customers").text
    assert numbers(page) == [f"700000{n:02d}" for n in range(1, 21)]
    assert footer(page) == "共 45 户 · 余额合计 ¥49.50 · 欠费合计 ¥0.00"


def test_the_pages_together_show_every_row_once(client: Any, people: None) -> None:
    shown = [number for page in (1, 2, 3) for number in numbers(client.get(f"/customers?sort=holder&page={page}").text)]
    assert sorted(shown) == [f"700000{n:02d}" for n in range(1, 46)]


def test_equal_rows_keep_their_order_by_id_both_ways(client: Any, people: None) -> None:
    upwards = numbers(client.get("/customers?sort=credit&size=50").text)
    downwards = numbers(client.get("/customers?sort=-credit&size=50").text)
    assert upwards == [f"700000{n:02d}" for n in range(1, 46)]
    assert downwards == upwards[::-1]


@pytest.mark.parametrize("order", ["customer_no", "-customer_no", "credit", "-credit", "-place"])
def test_the_pages_of_the_second_half_are_found_from_the_end_and_the_same(
    client: Any, people: None, order: str
) -> None:
    whole = numbers(client.get(f"/customers?sort={order}&size=50").text)
    pages = [numbers(client.get(f"/customers?sort={order}&page={page}").text) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert [number for page in pages for number in page] == whole


def test_a_column_sorts_by_what_it_declares(client: Any, people: None) -> None:
    assert numbers(client.get("/customers?sort=place").text)[0] == "70000045"
    assert 'aria-sort="descending"' in client.get("/customers?sort=-place").text


def test_size_tab_search_and_order_survive_in_every_link(client: Any, people: None) -> None:
    page = client.get("/customers?q=用户&sort=-customer_no&size=50&tab=normal").text
    link = re.search(r'id="list-sort-holder" href="([^"]+)"', page)
    assert link
    for part in ("tab=normal", "size=50", "sort=holder", "q=%E7%94%A8%E6%88%B7"):
        assert part in link[1]


@pytest.mark.parametrize(
    "query",
    [
        "page=99999999999999999999", "page=-1", "page=0", "page=x", "page=%00", "size=7", "size=999999999999",
        "sort=password_hash", "sort=-", "sort=holder;drop table customer", "tab=nothing", "tab=%00", "q=%00",
        "q=%25_%5C", "q=%ED%A0%80", "q=" + "x" * 5000, "route=1;select", "route=99999999999999999999", "category=%00",
        "auto=maybe", "export=pdf", "q=a&q=b", "q=%F0%9F%92%A7", "unknown=1",
    ],
)  # fmt: skip
def test_nonsense_in_the_address_is_passed_over(client: Any, people: None, query: str) -> None:
    assert client.get(f"/customers?{query}").status_code == 200


def test_a_page_behind_the_last_is_the_last(client: Any, people: None) -> None:
    assert numbers(client.get("/customers?page=900").text) == [f"700000{n:02d}" for n in range(41, 46)]


def test_wildcards_are_searched_as_they_are_typed(client: Any, people: None) -> None:
    assert "没有符合条件的用户档案" in client.get("/customers?q=%25").text


def test_htmx_gets_only_the_part_and_the_address_without_empty_words(client: Any, people: None) -> None:
    response = client.get("/customers?q=&route=&tab=normal&page=2", headers={"HX-Request": "true", "HX-Target": "list"})
    assert response.text.lstrip().startswith('<div class="list-part"')
    assert "<html" not in response.text
    assert response.headers["HX-Push-Url"] == "/customers?tab=normal&page=2"
    assert 'id="list-export" href="/customers?tab=normal&amp;export=xlsx" hx-swap-oob="true"' in response.text
    assert "HX-Request" in response.headers["Vary"]


def test_coming_back_in_the_history_gets_the_whole_page(client: Any, people: None) -> None:
    headers = {"HX-Request": "true", "HX-Target": "list", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get("/customers", headers=headers).text


@pytest.fixture
def statements(app: Any) -> Iterator[list[str]]:
    """What reaches the database during the test."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    yield seen
    event.remove(engine(), "before_cursor_execute", note)


def of_the_list(statements: list[str]) -> list[str]:
    marks = {"found AS MATERIALIZED": "found", "count(*) FILTER": "count", "page_of_keys": "rows"}
    seen = [name for one in statements for mark, name in marks.items() if mark in one]
    statements.clear()
    return seen


def test_a_list_runs_two_statements_for_itself(client: Any, people: None, statements: list[str]) -> None:
    client.get("/customers?tab=normal&sort=-arrears&page=2")
    assert len([s for s in statements if not s.startswith(ENTRY)]) <= 6
    assert of_the_list(statements) == ["count", "rows"]


def test_a_search_reads_everybody_once_until_something_changes(
    client: Any, people: None, statements: list[str]
) -> None:
    assert "共 45 户" in client.get("/customers?q=用户").text
    assert of_the_list(statements) == ["found", "count", "rows"]
    assert "共 45 户" in client.get("/customers?q=用户&page=2&sort=-holder&size=50").text
    assert of_the_list(statements) == ["rows"]
    assert "共 45 户" in client.get("/customers?q=用户&tab=normal").text
    assert of_the_list(statements) == ["count", "rows"]
    with transaction():
        db.session.scalars(select(Customer).where(Customer.customer_no == "70000007")).one().holder = "张三"
    assert numbers(client.get("/customers?q=用户07").text) == []
    assert numbers(client.get("/customers?q=张三").text) == ["70000007"]
    assert "found" in of_the_list(statements)


@pytest.mark.parametrize("few", [0, 44, 45])
@pytest.mark.parametrize("query", ["q=0000", "q=用户&page=2&sort=-place", "q=yh&size=50&tab=normal", "q=07", "q=无"])
def test_a_search_shows_the_same_however_much_it_finds(
    client: Any, people: None, monkeypatch: pytest.MonkeyPatch, query: str, few: int
) -> None:
    usual = client.get(f"/customers?{query}").text
    monkeypatch.setattr(tables, "FEW", few)
    with transaction():
        db.session.scalars(select(Customer).where(Customer.customer_no == "70000045")).one().note = "."
    page = client.get(f"/customers?{query}").text
    assert (numbers(page), footer(page)) == (numbers(usual), footer(usual))
    if "无" not in query:
        assert numbers(page)
        assert sheet(client.get(f"/customers?{query}&export=xlsx"))[1:]


def test_paging_and_sorting_do_not_count_again(client: Any, people: None, statements: list[str]) -> None:
    client.get("/customers")
    assert of_the_list(statements) == ["count", "rows"]
    assert "共 45 户" in client.get("/customers?page=2&sort=-holder&size=50").text
    assert of_the_list(statements) == ["rows"]


def test_a_change_is_counted_at_once(client: Any, people: None) -> None:
    assert "共 45 户" in client.get("/customers").text
    with transaction():
        make.customer(credit_balance=Decimal("7.00"))
    assert footer(client.get("/customers").text) == "共 46 户 · 余额合计 ¥56.50 · 欠费合计 ¥0.00"


def test_another_plants_changes_and_counts_are_not_ours(client: Any, people: None) -> None:
    client.get("/customers")
    with context.use(make_plant()):
        db.session.remove()
        with transaction():
            make.customer()
        db.session.remove()
    assert "共 45 户" in client.get("/customers").text


def test_a_list_is_shown_without_redis(app: Any, client: Any, people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "redis", Redis.from_url("redis://127.0.0.1:1/0"))
    assert "共 45 户" in client.get("/customers").text


def test_the_export_holds_exactly_what_the_filter_shows_in_its_order(client: Any, people: None) -> None:
    response = client.get("/customers?q=用户4&sort=-customer_no&export=xlsx")
    rows = sheet(response)
    assert [row[0] for row in rows] == ["户号", *[f"700000{n}" for n in range(45, 39, -1)]]
    assert rows[0][:6] == ("户号", "户名", "区册", "水表性质", "表号", "余额")
    assert rows[1][5] == 1.1
    assert "attachment" in response.headers["Content-Disposition"]


def test_the_export_keeps_to_the_tab(client: Any, people: None) -> None:
    assert [row[0] for row in sheet(client.get("/customers?tab=closed&export=xlsx"))] == ["户号"]


def test_an_exported_sheet_opens_well(client: Any, people: None) -> None:
    book = load_workbook(BytesIO(client.get("/customers?export=xlsx").data))
    page = book.active
    assert page.freeze_panes == "A2"
    assert page["A2"].data_type == "s"
    assert page["F2"].number_format == "0.00"
    assert page.column_dimensions["B"].width == 30


@pytest.mark.parametrize("text", ["=1+1", "+86 138", "-3", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_text_that_looks_like_a_formula_stays_text(client: Any, plant: Any, text: str) -> None:
    with transaction():
        make.customer(holder=text, opened_on=date(2020, 1, 1))
    book = load_workbook(BytesIO(client.get("/customers?export=xlsx").data))
    assert (book.active["B2"].value, book.active["B2"].data_type) == (text, "s")


def test_control_characters_do_not_spoil_the_workbook(tmp_path: Any) -> None:
    file = BytesIO()
    write_sheet(file, "坏/字[符]", [Heading("名")], [["a\x0b\x00b"]])
    book = load_workbook(BytesIO(file.getvalue()))
    assert (book.active.title, book.active["A2"].value) == ("坏字符", "ab")


@pytest.mark.slow
def test_a_large_export_needs_little_memory(client: Any, plant: Any) -> None:
    with transaction():
        first = make.customer(opened_on=date(2020, 1, 1))
        db.session.flush()
        db.session.connection().exec_driver_sql(
            "INSERT INTO customer (customer_no, holder, holder_initials, phone, id_card, address, route_id, route_seq,"
            " people, use_category_id, charged_by_meter, auto_deduct, quota_units, area, state, opened_on, note, credit_balance)"
            " SELECT 'N' || lpad(n::text, 7, '0'), '户' || n, 'h', '', '', '', route_id, n, 1, use_category_id, true, false,"
            " 0, 0, 'active', opened_on, '', 0 FROM customer, generate_series(1, 20000) AS n WHERE id = %s",
            (first.id,),
        )
    client.get("/customers?export=xlsx&q=nobody")  # what is loaded once does not count
    number = int(client.get("/customers?export=xlsx").location.rpartition("/")[2])
    asked = files.asked(number)
    assert asked
    tracemalloc.start()
    try:
        with files.request_of(number, *asked), transaction():  # as the worker does
            files.make(number)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    content = db.session.scalars(select(ImportJob.content)).one()
    assert content
    assert len(content) > 500_000
    assert peak < 20 * 1024 * 1024
