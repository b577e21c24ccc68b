"""The upload form: the workbook, and what its kind of import asks."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField, StringField
from wtforms.validators import Length

from app.web.imports import Importer, Option


def _field(option: Option) -> Any:
    default = option.default()
    if option.choices:
        # WTForms takes plain words too, its stubs do not know
        return SelectField(option.label, choices=option.choices(), default=default)  # type: ignore[arg-type]
    return StringField(option.label, [Length(max=60)], default="" if option.read_off else default)


def upload_form(importer: Importer) -> FlaskForm:
    """The form of one kind, with the plant's own choices and defaults."""
    fields: dict[str, Any] = {
        "file": FileField("Excel 工作簿（.xlsx）", [FileRequired("请选择要导入的 .xlsx 文件。")]),
        **{option.name: _field(option) for option in importer.options},
    }
    form: FlaskForm = type("UploadForm", (FlaskForm,), fields)()
    return form
