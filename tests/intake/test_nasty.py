"""Workbooks that were made to hurt, or come out of odd programs: one clear sentence each, in little memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from app.errors import DomainError
from app.intake.registry import IMPORTERS
from app.web.imports import book, reader
from tests.conftest import Site
from tests.intake.workbooks import sheet

COLUMNS = IMPORTERS["meters"].columns
KINDS = sorted(IMPORTERS)
SHEET = "xl/worksheets/sheet1.xml"
HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>表号</t></is></c><c r="B1" t="inlineStr"><is><t>底数</t></is></c></row>'  # noqa: E501
FOOT = "</sheetData></worksheet>"
LONG = 3_000_000


def packed(parts: dict[str, Iterable[bytes]]) -> BytesIO:
    """A sound workbook with some of its parts replaced."""
    whole, out = zipfile.ZipFile(sheet(("表号", "底数"), ("A1", 15))), BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in whole.namelist():
            if name not in parts:
                archive.writestr(name, whole.read(name))
        for name, chunks in parts.items():
            with archive.open(name, "w") as part:
                for chunk in chunks:
                    part.write(chunk)
    return out


def rows(body: str) -> BytesIO:
    return packed({SHEET: [(HEAD + body + FOOT).encode()]})


@pytest.mark.parametrize(
    "body",
    [
        f'<row r="2"><c r="A2" t="str"><v>{"a" * LONG}</v></c></row>',
        f'<row r="2"><c r="A2" t="str"><f>{"a" * LONG}</f></c></row>',
        f'<row r="2"><c r="{"A" * LONG}"><v>1</v></c></row>',
        f"<!--{'a' * LONG}-->",
    ],
    ids=["cell", "formula", "attribute", "comment"],
)
def test_a_cell_or_a_tag_without_end_is_not_held(body: str) -> None:
    with pytest.raises(DomainError, match="读不出来"):
        reader.read(rows(body), COLUMNS)


def test_more_words_than_cells_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "WORDS_LIMIT", 2)
    types = zipfile.ZipFile(sheet(("x",))).read("[Content_Types].xml")
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    told = types.replace(b"</Types>", b'<Override PartName="/xl/words.xml" ContentType="%s"/></Types>' % kind)
    words = b"<sst>" + b"<si><t>a</t></si>" * 3 + b"</sst>"
    with pytest.raises(DomainError, match="读不出来"):
        reader.read(packed({"[Content_Types].xml": [told], "xl/words.xml": [words]}), COLUMNS)


@pytest.mark.parametrize("name", ["xl/styles.xml", "xl/workbook.xml", "[Content_Types].xml", "xl/evil.bin"])
def test_a_small_part_that_is_large_is_not_unpacked(name: str) -> None:
    with pytest.raises(DomainError, match="太多"):
        reader.read(packed({name: [b" " * reader.SMALL_LIMIT, b" "]}), COLUMNS)


def test_an_entity_is_not_expanded() -> None:
    evil = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + HEAD + FOOT
    with pytest.raises(DomainError, match="读不出来"):
        reader.read(packed({SHEET: [evil.encode()]}), COLUMNS)


def test_a_million_empty_rows_are_not_read() -> None:
    thousand = [b"".join(b'<row r="%d"/>' % n for n in range(k, k + 1000)) for k in range(3, 1_000_003, 1000)]
    first = '<row r="2"><c r="A2" t="str"><v>A1</v></c></row>'
    found = reader.read(packed({SHEET: [(HEAD + first).encode(), *thousand, FOOT.encode()]}), COLUMNS)
    assert found.numbers == [2]


def test_macros_are_neither_run_nor_kept() -> None:
    macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    plain = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    types = zipfile.ZipFile(sheet(("x",))).read("[Content_Types].xml").decode().replace(plain, macros)
    found = reader.read(packed({"[Content_Types].xml": [types.encode()], "xl/vbaProject.bin": [b"evil"]}), COLUMNS)
    assert found.numbers == [2]


def test_of_merged_cells_the_first_has_the_value() -> None:
    made, out = Workbook(), BytesIO()
    page: Any = made.active
    for row in (("表号", "底数"), ("A1", 1), ("A2", 1)):
        page.append(row)
    page.merge_cells("B2:B3")
    made.save(out)
    assert [list(row) for row in reader.read(out, COLUMNS).rows] == [["A1", 1], ["A2"]]


OTHERS = {
    "password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"E\0n\0c\0r\0y\0p\0t\0", "加了密码"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧的 .xls"),
    "gbk": ("表号,口径\r\nA1,15\r\n".encode("gbk"), ".csv"),
    "html": (b"<html><script>xq7</script><table>", "不是 Excel"),
    "empty": (b" ", "不是 Excel"),
    "zip": (b"PK\x03\x04 broken", "读不出来"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_upload_answers_in_a_sentence_and_keeps_nothing(client: Site, kind: str) -> None:
    for content, word in OTHERS.values():
        answer = client.post(f"/imports/{kind}", data={"file": (BytesIO(content), "<xq7>.html")})
        assert (answer.status_code, word in answer.text) == (422, True), word
        assert "<xq7" not in answer.text
        assert "<script>xq7" not in answer.text
    assert client.get(f"/imports/{kind}/1").status_code == 404


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "|"])
def test_what_begins_like_a_formula_is_text_in_and_out(client: Site, start: str) -> None:
    note = f"{start}HYPERLINK(1)"
    upload = sheet(("表号", "底数", "备注"), ("A1", 5, note), ("A2", -5, note))
    sent = client.post("/imports/meters", data={"file": (upload, "表.xlsx")})
    client.post(f"{sent.location}/confirmation")
    for path in ("/meters/?export=xlsx", f"{sent.location}/errors.xlsx"):
        answer = client.get(path)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        cells = [cell for row in load_workbook(BytesIO(answer.data)).worksheets[0].iter_rows() for cell in row]
        assert {cell.data_type for cell in cells if isinstance(cell.value, str)} == {"s"}
        assert any("HYPERLINK(1)" in str(cell.value) for cell in cells)


def test_headings_and_names_of_a_sheet_come_back_as_text(client: Site) -> None:
    made, out = Workbook(), BytesIO()
    page: Any = made.active
    page.title = "'水表"
    page.append(("表号", "底数", "=HYPERLINK(1)", "@SUM(1)"))
    page["C1"].data_type = "s"
    page.append(("A2", -5, "x", "y"))
    made.save(out)
    out.seek(0)
    sent = client.post("/imports/meters", data={"file": (out, "表.xlsx")})
    answer = client.get(f"{sent.location}/errors.xlsx")
    assert answer.status_code == 200
    cells = [cell for row in load_workbook(BytesIO(answer.data)).worksheets[0].iter_rows() for cell in row]
    assert "=HYPERLINK(1)" in [cell.value for cell in cells]
    assert "f" not in {cell.data_type for cell in cells}


NESTED = b"[" * 200_000


@pytest.mark.parametrize(
    "content",
    [NESTED, b'{"name": NaN}', b'{"name": ' + b"9" * 6000 + b"}", b"\xff\xfe", "表号,口径".encode("gbk"), b"", b"null",
     b'{"name": "\\u0000", "use_category": "x"}', b'{"name": "\\ud800"}', b"PK\x03\x04"],
)  # fmt: skip
def test_a_tariff_file_that_is_none_gets_a_sentence(client: Site, content: bytes) -> None:
    answer = client.post("/tariffs/import", data={"file": (BytesIO(content), "x.json")})
    assert answer.status_code == 422
    assert "field-error" in answer.text or "收费标准文件" in answer.text
