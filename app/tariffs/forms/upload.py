"""导入收费标准文件."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import Field
from wtforms.validators import ValidationError

from app.tariffs.document import parse_json
from app.tariffs.rules import TariffError


class UploadForm(FlaskForm):  # type: ignore[misc]
    """One file; `document` is what it says."""

    file = FileField("收费标准文件（.json）", [FileRequired("请选择收费标准文件，名字以 .json 结尾。")])
    document: Any = None

    def validate_file(self, field: Field) -> None:
        """Read it. What it says is judged by the service."""
        try:
            self.document = parse_json(field.data.read())
        except TariffError as error:
            raise ValidationError(f"这不是收费标准文件：{error.message}") from error
