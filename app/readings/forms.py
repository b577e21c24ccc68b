"""Forms of readings."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError

from app import clock
from app.readings.service import KINDS
from app.staff.fields import clean

_DIAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")


def parse_reading(text: str) -> Decimal:
    """What a dial shows, as somebody typed it; ValueError with a sentence."""
    plain = unicodedata.normalize("NFKC", text).replace(",", "").strip()
    if not _DIAL.fullmatch(plain):
        raise ValueError("止码应是数字，最多三位小数，例如 668。")
    return Decimal(plain)


class ReadingField(StringField):
    """止码, as it was typed; `reading` is it as a number, None where nothing was typed."""

    reading: Decimal | None = None

    def pre_validate(self, _form: FlaskForm) -> None:
        """A sentence for what cannot be read."""
        if not (self.data or "").strip():
            return
        try:
            self.reading = parse_reading(self.data or "")
        except ValueError as error:
            raise StopValidation(str(error)) from error


def not_later_than_today(_form: FlaskForm, field: DateField) -> None:
    """抄表日期 lies behind us."""
    if field.data and field.data > clock.today():
        raise ValidationError("抄表日期不能晚于今天。")


class RecordForm(FlaskForm):  # type: ignore[misc]
    """录入一户."""

    kind = RadioField(
        "抄表状态", choices=[SelectChoice(value, label) for value, label in KINDS.items()], default="actual"
    )
    end_reading = ReadingField("本期止码")
    read_on = DateField("抄表日期", [InputRequired("请填写抄表日期，例如 2026-10-12。"), not_later_than_today])
    note = StringField("备注", [Length(max=300, message="备注最多 300 字。")], filters=[clean])
    back = HiddenField()

    def validate_end_reading(self, field: ReadingField) -> None:
        """实抄 has a value, 未抄 has none, 估抄 may leave it out."""
        if self.kind.data == "actual" and field.reading is None:
            raise ValidationError("实抄要填止码；没抄到请选估抄或未抄。")
        if self.kind.data == "unread" and field.reading is not None:
            raise ValidationError("未抄不填止码；抄到了请选实抄。")


class CorrectForm(FlaskForm):  # type: ignore[misc]
    """更正."""

    end_reading = ReadingField("更正后的止码")
    volume = ReadingField("更正后的用水量 m³")
    reason = StringField(
        "更正原因",
        [InputRequired("请填写更正原因，例如：抄错一位。"), Length(max=200, message="原因最多 200 字。")],
        filters=[clean],
    )


class ReviewForm(FlaskForm):  # type: ignore[misc]
    """复核."""

    decision = HiddenField()
    end_reading = ReadingField("更正后的止码")
    note = StringField("复核说明", [Length(max=200, message="说明最多 200 字。")], filters=[clean])
