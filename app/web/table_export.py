"""「导出」: exactly what the filter shows, as a workbook, row by row from a server-side cursor."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import g, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import Select

from app import clock
from app.db import db
from app.personal import phone
from app.web import files
from app.web.sheets import Heading, write_sheet
from app.web.template_helpers import moment
from tenants import context

if TYPE_CHECKING:
    from app.web.tables import Column, Table

CHUNK = 1000  # rows held at a time
AT_ONCE = 5_000  # rows that a person waits for: half a second or so
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDTHS = {
    "code": 16,
    "phone": 16,
    "text": 18,
    "number": 10,
    "money": 14,
    "volume": 12,
    "day": 12,
    "moment": 18,
    "period": 10,
    "state": 10,
}
FORMATS = {"money": "0.00", "volume": "0.###", "day": "yyyy-mm-dd"}


def _cell(column: Column) -> Callable[[Any], object]:
    """What the workbook says of a row: words for states, numbers for amounts, text for what only looks like a number."""
    words, value = column.words, attrgetter(column.key)
    if column.text:
        return column.text
    if words:
        return lambda row: "、".join(word for word, _ in words(row))
    if column.states:
        return lambda row: column.states.get(value(row), (value(row), ""))[0]
    if column.names:
        return lambda row: column.names.get(value(row), value(row))
    if column.kind == "phone":
        return lambda row: phone(value(row))
    if column.kind == "moment":
        return lambda row: moment(value(row)) if value(row) else None
    return value


def _rows(columns: list[Column], statement: Select[Any]) -> Iterator[list[object]]:
    cells = [_cell(column) for column in columns]
    for number, row in enumerate(db.session.execute(statement.execution_options(yield_per=CHUNK))):
        if number % CHUNK == 0:
            files.tell(number)
        yield [cell(row) for cell in cells]


class Exported(NamedTuple):
    """What a request lets somebody carry away, for the log: put into `g.exported` by who knows it."""

    list: str
    filter: str = ""
    rows: int | None = None


def workbook_response(table: Table, statement: Select[Any], *, rows: int, narrowed_by: str) -> ResponseReturnValue:
    """The download of so many rows. They pass through a file, not through memory; many are left to a worker.

    `narrowed_by`: the filter in words.
    """
    files.leave_to_worker(f"导出{table.name}", parts=rows, unit="行", above=AT_ONCE)
    columns = [c for c in table.columns if c.export]
    headings = [Heading(c.label, c.width or WIDTHS.get(c.kind, 18), FORMATS.get(c.kind, "General")) for c in columns]
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    written = write_sheet(file, table.name, headings, _rows(columns, statement))
    file.seek(0)
    g.exported = Exported(table.name, narrowed_by, written)
    name = f"{context.current().name}_{table.name}_{clock.today():%Y-%m-%d}.xlsx"
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name, max_age=0)
