"""From a workbook to a preview, and from there to what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, BinaryIO

from psycopg import errors as driver_errors
from sqlalchemy.exc import IntegrityError

from app import audit
from app.errors import DomainError
from app.web.imports.columns import Importer, Remark, Rows, parse_column, refuse_duplicates
from app.web.imports.reader import Progress, read

REMARKS = ("skipped", "wrong", "cleaned", "noticed")
KEPT = 20_000  # remarks of a kind that a kept preview keeps


@dataclass(slots=True)
class Preview:
    """What an import would do, or has done (`stored`). Remarks are in the sheet's order; a row may have several."""

    kind: str
    filename: str
    sheet: str
    rows: int
    ok: int
    wrong_rows: int
    skipped: list[Remark]
    wrong: list[Remark]
    cleaned: list[Remark]
    noticed: list[Remark]
    figures: dict[str, int]
    options: dict[str, str]
    stored: dict[str, int] | None = None

    def _plain(self, most: int | None) -> dict[str, Any]:
        values: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in REMARKS:
            values[name] = [list(remark) for remark in values[name][:most]]
        return values

    def as_json(self) -> dict[str, Any]:
        """Counts and figures, and [row, column, sentence] for every remark."""
        document = self._plain(None)
        return {"file": document.pop("filename"), **document.pop("figures"), **document}

    def kept(self) -> dict[str, Any]:
        """For the job's row: the same again from `of_kept`, but for remarks beyond KEPT."""
        return self._plain(KEPT)

    @classmethod
    def of_kept(cls, document: Mapping[str, Any]) -> Preview:
        """The preview that `kept` wrote down."""
        remarks = {name: [Remark(*remark) for remark in document[name]] for name in REMARKS}
        return cls(**{**document, **remarks})


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
    used = {option.name for option in importer.options if not rows.has(option.instead_of)}
    sheet.rows.clear()  # the values are parsed: do not hold them twice
    importer.complete(rows, answers)
    for column in importer.columns:
        if column.unique:
            refuse_duplicates(rows, column)
    importer.check(rows, answers)
    found = _preview(importer, rows, filename, sheet.title)
    found.options = {name: str(answers[name]) for name in answers if name in used}
    return found, rows, answers


def _preview(importer: Importer, rows: Rows, filename: str, title: str) -> Preview:
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
        wrong_rows=len(rows.wrong),
        skipped=listed(skipped),
        wrong=listed(rows.wrong),
        cleaned=listed({i: found for i, found in rows.cleaned.items() if i in good}),
        noticed=listed({i: found for i, found in rows.noticed.items() if i in good}),
        figures=rows.figures,
        options={},
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
    if good:
        period = {"period": answers["period"]} if "period" in answers else {}
        audit.record(
            "imported", importer.kind.removesuffix("s"), None, {"filename": filename, **period, **result.stored}
        )
    return result
