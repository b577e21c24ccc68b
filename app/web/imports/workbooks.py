"""The sheets an import hands out: an empty one to fill in, and the wrong rows with their reasons."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from app.web.imports.checking import Preview
from app.web.imports.columns import Column, Importer
from app.web.imports.reader import WIDTH_LIMIT, opened, read
from app.web.sheets import safe_title

REASON = "错误原因"
_HEAD = PatternFill("solid", fgColor="E8F3F9")
_NEEDED = PatternFill("solid", fgColor="FDF3E0")


def _bytes(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _width(words: object) -> float:
    """Columns wide enough for Chinese characters, within reason."""
    text = str(words if words is not None else "")
    return min(42.0, max(9.0, sum(2.1 if ord(c) > 127 else 1.1 for c in text) + 2))


def template_workbook(importer: Importer) -> bytes:
    """Headings (needed ones marked), one example row, hints as comments, a frozen first row, text columns as text."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = importer.title[:31]
    for place, column in enumerate(importer.columns, 1):
        head = sheet.cell(1, place, column.heading)
        head.font = Font(bold=True)
        head.fill = _NEEDED if column.needed or column.filled else _HEAD
        head.alignment = Alignment(horizontal="center")
        if column.hint:
            head.comment = Comment(column.hint, "清渠")
        sheet.column_dimensions[get_column_letter(place)].width = max(_width(column.heading), _width(column.example))
        if isinstance(column.example, str):
            sheet.column_dimensions[get_column_letter(place)].number_format = "@"
        _put_text(sheet.cell(2, place), column.example)
    sheet.freeze_panes = "A2"
    _explain(book, importer.columns)
    return _bytes(book)


def _put_text(cell: Any, value: Any) -> None:
    """Text stays text: a leading zero, a leading '='."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = "@"


def _explain(book: Workbook, columns: tuple[Column, ...]) -> None:
    sheet = book.create_sheet("填写说明")
    sheet.append(["列名", "是否必填", "怎么填", "例子"])
    for column in columns:
        sheet.append(
            [column.heading, "必填" if column.needed or column.filled else "", column.hint, str(column.example)]
        )
    for letter, width in zip("ABCD", (16, 10, 60, 24), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"


def errors_workbook(importer: Importer, preview: Preview, file: BinaryIO) -> bytes:
    """The sheet's own headings and its wrong rows as they were written, with the reasons in one more column.

    Corrected there, it can be uploaded as it is.
    """
    reasons: dict[int, list[str]] = {}
    for remark in preview.wrong:
        reasons.setdefault(remark.row, []).append(f"{remark.column}：{remark.text}")
    found = read(file, importer.columns)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(safe_title(found.title))
    sheet.freeze_panes = "A2"
    heading = list(found.heading[:WIDTH_LIMIT])
    while heading and heading[-1] is None:
        heading.pop()
    for place, words in enumerate([*heading, REASON], 1):
        width = 60.0 if words == REASON else max(_width(words), 14.0)
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([*(_copied(sheet, words) for words in heading), REASON])
    with opened(file) as source:
        part = next(part for part in source.parts if part.title == found.title)
        for number, cells in source.rows(part, width=len(heading)):
            if number in reasons:
                row = [_copied(sheet, value) for value in cells] + [None] * (len(heading) - len(cells))
                sheet.append([*row, _copied(sheet, "；".join(reasons[number]))])
    return _bytes(book)


def _copied(sheet: Any, value: Any) -> Any:
    cell = WriteOnlyCell(sheet)
    _put_text(cell, value)
    return cell
