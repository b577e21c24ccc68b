"""The monthly report as a workbook: the numbers of the page, as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from app import periods
from app.ledger.rules import METHODS
from app.reports.monthly import Line, MonthlyReport

MONEY, VOLUME, COUNT = '#,##0.00;[Red]-#,##0.00;"—"', '#,##0.###;-#,##0.###;"—"', '#,##0;-#,##0;"—"'
_HEAD = PatternFill("solid", fgColor="E8F3F9")
_THIN = Side("thin", color="C4CDD5")
_EDGE = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
BY_PERIOD = ("户数", "用水量", "应收", "已缴", "欠费")
BY_DATE = ("出账应收", *METHODS.values(), "实收合计", "预存抵扣", "违约金", "减免", "预存变动")


def row_of(line: Line) -> list[Any]:
    """A book's numbers in the order of BY_PERIOD and BY_DATE."""
    of_period, moved = line.period, line.moved
    return [
        of_period.customers,
        of_period.volume,
        of_period.amount_due,
        of_period.settled,
        of_period.unpaid,
        moved.amount_due,
        *moved.received.values(),
        moved.received_total,
        moved.prepaid,
        moved.late_fee,
        moved.waived,
        moved.credit_delta,
    ]


def write_monthly(report: MonthlyReport, out: IO[bytes], *, plant: str) -> None:
    """The report into a file."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "分册"
    _books(sheet, report, plant)
    _table(
        book.create_sheet("总账"),
        f"{plant} 总账 {report.since} 至 {report.until}",
        ("科目", "期初", "借方", "贷方", "期末"),
        ((one.name, one.before, one.debit, one.credit, one.after) for one in report.ledger),
    )
    _table(
        book.create_sheet("核对"),
        f"{plant} 报表与总账核对 {'一致' if report.agrees else '不一致'}",
        ("项目", "报表", "总账", "相差"),
        ((check.name, check.report, check.ledger, check.report - check.ledger) for check in report.checks),
    )
    book.save(out)


def _books(sheet: Worksheet, report: MonthlyReport, plant: str) -> None:
    _write_title(sheet, f"{plant} {periods.label(report.period)}水费月报")
    first = 2 + len(BY_PERIOD)
    sheet["A2"] = "区册"
    sheet.cell(2, 2, f"按账期：{periods.label(report.period)}的账单，到现在")
    sheet.cell(2, first, f"按日期：{report.since} 至 {report.until} 的账")
    sheet.merge_cells(start_row=2, end_row=2, start_column=2, end_column=first - 1)
    sheet.merge_cells(start_row=2, end_row=2, start_column=first, end_column=first - 1 + len(BY_DATE))
    sheet.merge_cells("A2:A3")
    for column, label in enumerate(BY_PERIOD + BY_DATE, 2):
        sheet.cell(3, column, label)
    _look_of_head(sheet, (2, 3))
    for number, line in enumerate([*report.lines, report.total], 4):
        _write(sheet, number, [line.name, *row_of(line)], bold=line is report.total)
        sheet.cell(number, 2).number_format = COUNT
        sheet.cell(number, 3).number_format = VOLUME
    sheet.freeze_panes = "B4"
    sheet.column_dimensions["A"].width = 18
    for column in range(2, 2 + len(BY_PERIOD + BY_DATE)):
        sheet.column_dimensions[get_column_letter(column)].width = 13
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]


def _table(sheet: Worksheet, title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    _write_title(sheet, title)
    for column, label in enumerate(headings, 1):
        sheet.cell(2, column, label)
        sheet.column_dimensions[get_column_letter(column)].width = 16
    _look_of_head(sheet, (2,))
    for number, row in enumerate(rows, 3):
        _write(sheet, number, row)
    sheet.freeze_panes = "A3"


def _write_title(sheet: Worksheet, title: str) -> None:
    cell = sheet["A1"]
    cell.value, cell.data_type, cell.font = title, "s", Font(bold=True, size=14)  # never a formula


def _look_of_head(sheet: Worksheet, rows: Iterable[int]) -> None:
    for number in rows:
        for cell in sheet[number]:
            cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _EDGE
            cell.alignment = Alignment(horizontal="center", vertical="center")


def _write(sheet: Worksheet, number: int, values: Sequence[Any], *, bold: bool = False) -> None:
    for column, value in enumerate(values, 1):
        cell = sheet.cell(number, column)
        if isinstance(value, str):
            cell.value, cell.data_type = value, "s"  # never a formula
        else:
            cell.value, cell.number_format = value, MONEY
        cell.border = _EDGE
        if bold:
            cell.font = Font(bold=True)
