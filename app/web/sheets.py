"""Writing workbooks that open well in Excel and WPS, in constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\[\]:*?/\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's heading, its width in characters, and the number format of its cells."""

    label: str
    width: int = 14
    number_format: str = "General"


def safe_title(title: str) -> str:
    """A sheet's name as Excel allows it."""
    return _UNSAFE.sub("", title).strip("'")[:31] or "Sheet1"


def write_sheet(out: IO[bytes], title: str, headings: Sequence[Heading], rows: Iterable[Sequence[Any]]) -> int:
    """One sheet: header frozen and bold, text stays text (also what begins with = + - @), numbers stay numbers.

    How many rows it has below the header.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(safe_title(title))
    sheet.freeze_panes = "A2"
    for index, heading in enumerate(headings, 1):
        sheet.column_dimensions[get_column_letter(index)].width = heading.width
    head = []
    for heading in headings:
        cell = WriteOnlyCell(sheet, heading.label)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E8F3F9")
        cell.alignment = Alignment(vertical="center")
        head.append(cell)
    sheet.append(head)
    # append() writes at once, so that one cell per column serves for all rows. It takes plain values much faster
    # than cells, so a cell is made only of what needs a format, or must be kept from becoming a formula.
    cells: list[Any] = [WriteOnlyCell(sheet) for _ in headings]
    formatted = [heading.number_format != "General" for heading in headings]
    for cell, heading in zip(cells, headings, strict=True):
        cell.number_format = heading.number_format
    count = 0
    for row in rows:
        count += 1
        written = list(row)
        for index, value in enumerate(written):
            if isinstance(value, str):
                written[index] = _text(value, cells[index])
            elif formatted[index] and value is not None:
                cells[index].value = value
                written[index] = cells[index]
        sheet.append(written)
    book.save(out)
    return count


def _text(value: str, cell: Any) -> Any:
    """Text that stays text: without what XML forbids, and never a formula or an error value."""
    if not value.isprintable():
        value = _CONTROL.sub("", value)
    if not value.startswith(("=", "#")):
        return value
    cell.value = value
    cell.data_type = "s"
    return cell
