"""Our reader of cells against openpyxl's own: the same values, faster."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from app.web.imports.book import Book, DamagedBook
from tests.intake.workbooks import SEEDS, sheet

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
CELLS = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    WORDS.filter(lambda word: not word.startswith("_x")),
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2099, 1, 1)).map(lambda d: d.replace(microsecond=0)),  # noqa: DTZ001 - as a sheet keeps them
)  # fmt: skip


def ours(content: BytesIO | Path) -> list[list[Any]]:
    book = Book(content.open("rb") if isinstance(content, Path) else content)
    rows: list[list[Any]] = []
    for number, cells in book.rows(book.parts[0], width=100):
        rows += [[] for _ in range(number - len(rows) - 1)]
        rows.append(cells)
    book.close()
    return trimmed(rows)


def theirs(content: BytesIO | Path) -> list[list[Any]]:
    page: Any = load_workbook(content, read_only=True).worksheets[0]
    page.reset_dimensions()
    return trimmed([list(row) for row in page.iter_rows(values_only=True)])


def trimmed(rows: list[list[Any]]) -> list[list[Any]]:
    """Without the blanks at the end of rows and of the sheet."""
    for row in rows:
        while row and row[-1] is None:
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


@pytest.mark.parametrize("file", sorted(SEEDS.rglob("*.xlsx")), ids=lambda f: f.name)
def test_the_seed_workbooks_read_the_same(file: Path) -> None:
    found = ours(file)
    assert found == theirs(file)
    assert [[type(cell) for cell in row] for row in found] == [[type(cell) for cell in row] for row in theirs(file)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=6), st.booleans())
def test_any_workbook_reads_the_same(rows: list[list[Any]], inline: bool) -> None:
    book = Workbook(write_only=inline)
    page: Any = book.create_sheet("表") if inline else book.active
    for row in rows:
        page.append(row)
    out = BytesIO()
    book.save(out)
    assert ours(out) == theirs(out)


def with_sheet(xml: str, words: str = "") -> BytesIO:
    """A workbook whose sheet is written as some other program would."""
    whole, out = zipfile.ZipFile(sheet(("表号", "口径"), ("A1", 15))), BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in whole.namelist():
            data = whole.read(name)
            if name.endswith("sheet1.xml"):
                data = xml.encode()
            elif name == "[Content_Types].xml":
                data = data.replace(b"</Types>", SHARED.encode() + b"</Types>") if words else data
            archive.writestr(name, data)
        if words:
            archive.writestr("xl/sharedStrings.xml", words)
    return out


SHARED = (
    '<Override PartName="/xl/sharedStrings.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
)
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def test_prefixes_missing_places_and_runs_are_understood() -> None:
    cells = (
        '<x:row><x:c t="inlineStr"><x:is><x:r><x:t>刘</x:t></x:r><x:r><x:t>文海</x:t></x:r></x:is></x:c>'
        '<x:c><x:v>5</x:v></x:c></x:row><x:row r="4"><x:c r="AB4" t="b"><x:v>1</x:v></x:c></x:row>'
    )
    out = with_sheet(f'<x:worksheet xmlns:x="{SPACE}"><x:sheetData>{cells}</x:sheetData></x:worksheet>')
    assert ours(out) == [["刘文海", 5], [], [], [None] * 27 + [True]]


def test_shared_words_read_the_same_and_how_a_word_sounds_is_not_part_of_it() -> None:
    cells = "".join(f'<c r="{letter}1" t="s"><v>{n}</v></c>' for n, letter in enumerate("ABCD"))
    words = (
        '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>'
        '<si><r><t>刘</t></r><r><rPr><b/></rPr><t xml:space="preserve"> 文海</t></r></si><si><t>A&amp;B</t></si><si><t/></si>'
    )
    for prefix in ("", "x:"):
        name = prefix.rstrip(":")
        space = f'xmlns:{name}="{SPACE}"' if prefix else f'xmlns="{SPACE}"'
        named = words.replace("<", f"<{prefix}").replace(f"<{prefix}/", f"</{prefix}")
        out = with_sheet(
            f'<worksheet xmlns="{SPACE}"><sheetData><row r="1">{cells}</row></sheetData></worksheet>',
            f"<{prefix}sst {space}>{named}</{prefix}sst>",
        )
        assert ours(out)[0][:3] == theirs(out)[0][:3] == ["東京", "刘 文海", "A&B"]


def test_a_formula_is_its_text_and_not_its_result() -> None:
    assert ours(sheet(("=1+1", "=SUM(A1:B2)"))) == [["=1+1", "=SUM(A1:B2)"]]


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE worksheet [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    out = with_sheet(f'{bomb}<worksheet xmlns="{SPACE}"><sheetData/></worksheet>')
    with pytest.raises(DamagedBook):
        ours(out)


def test_a_workbook_that_counts_from_1904_is_read_right() -> None:
    book = Workbook()
    book.epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - openpyxl's own constant
    page: Any = book.active
    page.append([date(2026, 10, 5)])
    out = BytesIO()
    book.save(out)
    assert ours(out)[0][0].replace(tzinfo=UTC) == datetime(2026, 10, 5, tzinfo=UTC)
