"""From a workbook to a preview, and from there to what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from psycopg import errors as driver_errors
from sqlalchemy.exc import IntegrityError

from app.errors import DomainError
from app.web.imports.columns import Importer, Remark, Rows, parse_column, refuse_duplicates
from app.web.imports.reader import Progress, read


@dataclass(slots=True)
class Preview:
    """What an import would do, or has done (`stored`). Lists are in the sheet's order; a wrong row may have several remarks."""

    kind: str
    filename: str
    sheet: str
    rows: int
    ok: int
    skipped: list[Remark]
    wrong: list[Remark]
    cleaned: list[Remark]
    noticed: list[Remark]
    figures: dict[str, int]
    options: dict[str, str]
    stored: dict[str, int] | None = None
    wrong_rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.wrong_rows = len({remark.row for remark in self.wrong})

    def as_json(self) -> dict[str, Any]:
        """Counts, and [row, column, sentence] for every remark."""
        return {
            "kind": self.kind,
            "file": self.filename,
            "sheet": self.sheet,
            "options": self.options,
            "rows": self.rows,
            "ok": self.ok,
            **self.figures,
            "wrong_rows": self.wrong_rows,
            "skipped": [list(remark) for remark in self.skipped],
            "wrong": [list(remark) for remark in self.wrong],
            "cleaned": [list(remark) for remark in self.cleaned],
            "noticed": [list(remark) for remark in self.noticed],
            "stored": self.stored,
        }


def _examined(
    importer: Importer, file: BinaryIO, options: Mapping[str, str], filename: str, progress: Progress
) -> tuple[Preview, Rows, dict[str, Any]]:
    sheet = read(file, importer.columns, filename=filename, progress=progress)
    if not sheet.rows:
        raise DomainError("表里只有标题，没有数据，请填写后再上传。")
    answers = importer.answers(options, importer.suggest(sheet))
    rows = Rows(sheet.numbers, sheet.labels)
    for column in importer.columns:
        place = sheet.places.get(column.field)
        if place is None:
            rows.values[column.field] = [None] * len(rows)
        else:
            parse_column(rows, column, [row[place] if place < len(row) else None for row in sheet.rows])
    sheet.rows.clear()  # the values are parsed: do not hold them twice
    importer.complete(rows, answers)
    for column in importer.columns:
        if column.unique:
            refuse_duplicates(rows, column)
    importer.check(rows, answers)
    return _preview(importer, rows, answers, filename, sheet.title), rows, answers


def _preview(importer: Importer, rows: Rows, answers: Mapping[str, Any], filename: str, title: str) -> Preview:
    heading = {column.field: column.heading for column in importer.columns} | rows.labels
    place = {column.field: index for index, column in enumerate(importer.columns)}
    good = set(rows.good())

    def listed(found: Mapping[int, list[tuple[str, str]]]) -> list[Remark]:
        return [
            Remark(rows.numbers[index], heading.get(name, name), text)
            for index in sorted(found)
            for name, text in sorted(found[index], key=lambda remark: place.get(remark[0], 0))
        ]

    skipped = {i: [remark] for i, remark in rows.skipped.items() if i not in rows.wrong}
    return Preview(
        kind=importer.kind,
        filename=filename,
        sheet=title,
        rows=len(rows),
        ok=len(good),
        skipped=listed(skipped),
        wrong=listed(rows.wrong),
        cleaned=listed({i: found for i, found in rows.cleaned.items() if i in good}),
        noticed=listed({i: found for i, found in rows.noticed.items() if i in good}),
        figures=rows.figures,
        options={name: str(value) for name, value in answers.items()},
    )


def preview(
    importer: Importer,
    file: BinaryIO,
    options: Mapping[str, str],
    *,
    filename: str = "",
    progress: Progress = lambda _rows: None,
) -> Preview:
    """What importing the workbook would do; stores nothing. DomainError where it cannot be read at all."""
    return _examined(importer, file, options, filename, progress)[0]


def confirm(
    importer: Importer,
    file: BinaryIO,
    options: Mapping[str, str],
    *,
    by_id: int | None,
    filename: str = "",
    progress: Progress = lambda _rows: None,
) -> Preview:
    """Check all again, then store the good rows in the caller's transaction."""
    result, rows, answers = _examined(importer, file, options, filename, progress)
    good = list(rows.good())
    try:
        result.stored = importer.store(rows, good, answers, by_id) if good else {}
    except (IntegrityError, driver_errors.IntegrityError) as error:
        raise DomainError("导入期间有人改动了同样的资料，什么都没有导入，请重新预览后再确认。") from error
    return result
