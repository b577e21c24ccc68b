"""Workbooks as people make them, and files that are none."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from app.errors import DomainError
from app.intake.registry import IMPORTERS
from app.web.imports import errors_workbook, preview, reader, template_workbook
from tenants.context import Tenant
from tests.intake.workbooks import given, looked_at, sheet

METERS = IMPORTERS["meters"]
COLUMNS = METERS.columns


def read(*rows: Any) -> reader.Sheet:
    return reader.read(sheet(*rows), COLUMNS)


def test_headings_are_found_under_titles_and_by_other_names() -> None:
    found = read(("某某水厂",), ("单位：", "水务站"), ("* 水表编号", "口 径", "无关", "起码（吨）"), ("A1", 20, 1, 5))
    assert (found.heading_row, found.places) == (3, {"meter_no": 0, "bore": 1, "start": 3})
    assert found.preamble == ["某某水厂", "单位：", "水务站"]
    assert found.numbers == [4]


def test_a_columns_own_heading_goes_before_its_other_names() -> None:
    customers = IMPORTERS["customers"].columns
    both = reader.read(sheet(("序号", "册内序号", "户名"), (7, 1, "刘")), customers)
    assert both.places["route_seq"] == 1


@pytest.mark.parametrize(
    "footer", [("合计", None, 312), ("合 计：",), ("制表人：张三",), ("日期：",), ("备注：以上属实",), ("第 1 页",)]
)
def test_footers_are_no_rows(footer: tuple[Any, ...]) -> None:
    assert read(("表号", "口径"), ("A1", 15), (None, None), footer).numbers == [2]


def test_headings_repeated_on_every_page_are_no_rows() -> None:
    assert read(("表号", "口径"), ("A1", 15), ("表号", "口径"), ("A2", 15)).numbers == [2, 4]


def test_the_sheet_with_the_headings_is_taken() -> None:
    book = Workbook()
    first: Any = book.active
    first.append(["填写说明"])
    second = book.create_sheet("水表")
    second.append(["表号", "口径"])
    second.append(["A1", 15])
    out = BytesIO()
    book.save(out)
    assert reader.read(out, COLUMNS).title == "水表"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DomainError, match="「表号」"):
        read(("口径", "厂家"), (15, "宁波"))


def test_a_sheet_with_headings_only_says_so(plant: Tenant) -> None:
    with pytest.raises(DomainError, match="没有数据"):
        looked_at("meters", ("表号", "口径"))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "不是 Excel"), (b"%PDF-1.4", "不是 Excel"), ("表号,口径\nA1,15".encode(), "不是 Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧的 .xls"), (b"PK\x03\x04 broken", "读不出来"),
    ],
)  # fmt: skip
def test_other_files_get_one_clear_sentence(content: bytes, word: str) -> None:
    with pytest.raises(DomainError, match=word):
        reader.read(BytesIO(content), COLUMNS)


def test_a_zip_that_is_no_workbook_gets_one_too() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DomainError, match="读不出来"):
        reader.read(out, COLUMNS)


def test_a_damaged_sheet_gets_one_too() -> None:
    whole, out = zipfile.ZipFile(sheet(("表号", "口径"), ("A1", 15))), BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in whole.namelist():
            data = whole.read(name)
            archive.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)
    with pytest.raises(DomainError, match="读不出来"):
        reader.read(out, COLUMNS)


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "UNPACKED_LIMIT", 1000)
    with pytest.raises(DomainError, match="太多"):
        read(("表号", "口径"), ("A1", 15))


def test_too_many_rows_stop_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "ROWS_LIMIT", 5)
    with pytest.raises(DomainError, match="一次最多导入 5 行"):
        read(("表号", "口径"), *((f"A{n}", 15) for n in range(6)))


def test_a_sheet_that_is_empty_down_to_its_last_row_does_not_hang() -> None:
    book = Workbook()
    page: Any = book.active
    page.append(["表号", "口径"])
    page.append(["A1", 15])
    page.cell(1_048_576, 1, "最后")
    out = BytesIO()
    book.save(out)
    assert reader.read(out, COLUMNS).numbers == [2]


def test_the_template_can_be_uploaded_as_it_is(plant: Tenant) -> None:
    for importer in IMPORTERS.values():
        content = template_workbook(importer)
        page: Any = load_workbook(BytesIO(content)).worksheets[0]
        assert [cell.value for cell in page[1]] == [column.heading for column in importer.columns]
        assert page.freeze_panes == "A2"
        found = preview(importer, BytesIO(content), {})
        assert found.rows == 1
        if importer.kind != "readings":  # its example's meter is nobody's here
            assert found.wrong == []


def test_wrong_rows_come_back_with_their_reasons_and_can_be_uploaded_again(plant: Tenant) -> None:
    rows = (("水表台账",), ("表号", "底数", "备注"), ("A1", 5, "好"), ("00A2", -5, "=1+1"), ("A1", 7, None))
    found = looked_at("meters", *rows)
    content = errors_workbook(METERS, found, sheet(*rows))
    page: Any = load_workbook(BytesIO(content)).worksheets[0]
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["表号", "底数", "备注", "错误原因"],
        ["00A2", -5, "=1+1", "底数：-5 小于零，请核对"],
        ["A1", 7, None, "表号：「A1」与第 3 行重复"],
    ]
    assert page["C2"].data_type == "s"
    assert preview(METERS, BytesIO(content), {}).rows == 2


def test_progress_is_told_while_reading() -> None:
    told: list[int] = []
    rows = [("表号", "口径"), *((f"A{n}", 15) for n in range(1100))]
    reader.read(sheet(*rows), COLUMNS, progress=told.append)
    assert told == [500, 1000]


def test_meters_are_put_in_store_once(plant: Tenant) -> None:
    rows = (("表号", "口径", "量程", "底数"), ("A1", 15, None, None), ("A2", "DN20", 9999, 12))
    assert given("meters", *rows).stored == {"meters": 2}
    again = given("meters", *rows)
    assert (again.ok, [r.text for r in again.skipped]) == (0, ["表号已存在，未改动"] * 2)
