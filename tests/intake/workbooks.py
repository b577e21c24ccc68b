"""Workbooks for tests: the seed ones, what must come out of them, and small ones made on the spot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from app.intake.registry import IMPORTERS
from app.web import imports
from app.web.imports import Preview, Remark

SEEDS = Path(__file__).parent.parent.parent / "seeds"
EXPECTED = json.loads((Path(__file__).parent / "expected.json").read_text("utf-8"))


def taken(kind: str, file: Path, **options: str) -> Preview:
    """Import a seed workbook into the plant in force."""
    with file.open("rb") as workbook:
        return imports.confirm(IMPORTERS[kind], workbook, options, by_id=None, filename=file.name)


def sheet(*rows: Sequence[Any], title: str = "表") -> BytesIO:
    """A workbook of one sheet."""
    book = Workbook()
    page: Any = book.active
    page.title = title
    for row in rows:
        page.append(list(row))
    out = BytesIO()
    book.save(out)
    out.seek(0)
    return out


def given(kind: str, *rows: Sequence[Any], filename: str = "表.xlsx", **options: str) -> Preview:
    """Import rows (the first are the headings)."""
    return imports.confirm(IMPORTERS[kind], sheet(*rows), options, by_id=None, filename=filename)


def looked_at(kind: str, *rows: Sequence[Any], filename: str = "表.xlsx", **options: str) -> Preview:
    """Preview rows (the first are the headings)."""
    return imports.preview(IMPORTERS[kind], sheet(*rows), options, filename=filename)


def agree(found: list[Remark], expected: list[list[Any]]) -> None:
    """Same rows, same columns, and the expected word in each sentence."""
    assert [(r.row, r.column) for r in found] == [(row, column) for row, column, _ in expected]
    for remark, (_, _, word) in zip(found, expected, strict=True):
        assert word in remark.text
