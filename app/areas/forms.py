"""Forms of areas, books and who reads them."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, Length, ValidationError

from app.areas import queries

NEW = "new"


def _clean(typed: str | None) -> str:
    return "".join(c for c in typed or "" if c.isprintable()).strip()


def _name(label: str, *validators: Any) -> StringField:
    return StringField(label, [*validators, Length(max=20, message=f"{label}最多 20 个字。")], filters=[_clean])


class RouteForm(FlaskForm):  # type: ignore[misc]
    """新增 and 修改区册."""

    district = SelectField("区名", validate_choice=False)
    new_district = _name("新区名")
    name = _name("册名", DataRequired("请填写册名。"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.district.choices = [
            *(SelectChoice(key, name) for key, name in queries.district_options()),
            SelectChoice(NEW, "新建一个区…"),
        ]

    def validate_district(self, field: SelectField) -> None:
        """One of those that are there, or a new one."""
        if field.data not in {NEW, *(key for key, _ in queries.district_options())}:
            raise ValidationError("请选择区名。")

    def validate_new_district(self, field: StringField) -> None:
        """Asked only where a new 区 is wanted."""
        if self.district.data == NEW and not field.data:
            raise ValidationError("请填写新区名，例如 东街。")

    def values(self) -> dict[str, Any]:
        """What is stored."""
        new = self.district.data == NEW
        return {
            "district_id": None if new else int(self.district.data),
            "new_district": self.new_district.data if new else "",
            "name": self.name.data,
        }


class DistrictForm(FlaskForm):  # type: ignore[misc]
    """改区名."""

    name = _name("区名", DataRequired("请填写区名。"))


def _key(typed: str) -> int:
    """A key, or one that nothing has."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


class ScopeForm(FlaskForm):  # type: ignore[misc]
    """分配区册: `take` of those nobody has, `give` back of one's own."""

    take = SelectMultipleField("未分配的册", coerce=_key, validate_choice=False)
    give = SelectMultipleField("收回的册", coerce=_key, validate_choice=False)
