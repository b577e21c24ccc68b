"""One mechanism for every import: template → preview → confirm → result.

An `Importer` declares its columns, questions, checks and how to store. `preview` says what would happen; `confirm`
does all of that again and stores, in the caller's transaction.
"""

from __future__ import annotations

from app.web.imports.checking import Preview, confirm, preview
from app.web.imports.columns import Column, Importer, Option, Remark, Rows
from app.web.imports.reader import Sheet, guessed_rows
from app.web.imports.workbooks import errors_workbook, template_workbook

__all__ = [
    "Column", "Importer", "Option", "Preview", "Remark", "Rows", "Sheet", "confirm", "errors_workbook", "guessed_rows", "preview",
    "template_workbook",
]  # fmt: skip
