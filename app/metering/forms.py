"""Forms about meters. What is typed is read as an import would read it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import Length, Optional, StopValidation, ValidationError
from wtforms.widgets import DateInput

from app import clock
from app.metering import queries
from app.metering.models import Meter
from app.metering.rules import Part, mix_of, plain
from app.metering.service import MeterFacts
from app.web.imports import cells

BORES = ("DN15", "DN20", "DN25", "DN32", "DN40", "DN50", "DN80", "DN100", "DN150", "DN200")
TYPES = ("机械表", "远传表", "IC卡表", "超声波表", "电磁表")
KEPT = "kept"  # a 量程 that is no number of digits stays as it is
MIXED_PARTS = 3
DIGITS = range(4, 10)  # that a dial may have


class CellField(StringField):
    """A field read by an import's parser: `value` is what it means, None for nothing. `missing`: why it is needed."""

    def __init__(self, label: str, parser: cells.Parser, missing: str = "", **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.parser, self.missing = parser, missing
        self.value: Any = None
        self.flags.required = bool(missing)

    def pre_validate(self, form: Any) -> None:
        """A sentence for what cannot be read."""
        try:
            found = self.parser(self.data or "")
        except ValueError as error:
            raise StopValidation(f"{error}。") from error
        self.value = found.value if isinstance(found, cells.Cleaned) else found
        if self.value is None and self.missing:
            raise StopValidation(self.missing)


class DayField(CellField):
    """A day, chosen or typed. `today` is there at first where it is `needed`."""

    widget = DateInput()

    def __init__(self, label: str, missing: str = "", **kwargs: Any) -> None:
        default = (lambda: clock.today().isoformat()) if missing else None
        super().__init__(label, cells.day(), missing, default=default, **kwargs)


def reading_field(label: str, missing: str = "") -> CellField:
    """What a dial shows."""
    return CellField(label, cells.number(3, least=0), missing)


class MeterForm(FlaskForm):  # type: ignore[misc]
    """新增 and 修改."""

    meter_no = CellField("表号", cells.code(), "请填写表号。")
    bore = CellField("口径", cells.bore())
    meter_type = CellField("水表类型", cells.text(longest=40))
    maker = CellField("厂家", cells.text(longest=60))
    installed_on = DayField("安装日期")
    initial_reading = reading_field("底数")
    digits = SelectField("量程", default="5", validate_choice=False)
    master_no = CellField("总表", cells.code())
    note = TextAreaField("备注", [Length(max=300, message="备注最多 300 个字。")])

    def __init__(self, meter: Meter | None = None, master_no: str = "") -> None:
        known = {} if meter is None else _as_typed(meter, master_no)
        super().__init__(data=known)
        self.meter = meter
        self.digits.choices = [SelectChoice(str(n), f"{n} 位（最大 {'9' * n}）") for n in DIGITS]
        if known.get("digits") == KEPT and meter:
            self.digits.choices.append(SelectChoice(KEPT, f"保持不变（最大 {plain(meter.dial_modulus - 1)}）"))

    def validate_digits(self, field: SelectField) -> None:
        """One of those offered."""
        if field.data not in {str(n) for n in DIGITS} | ({KEPT} if self.meter else set()):
            raise ValidationError("请选择量程。")

    @property
    def facts(self) -> MeterFacts:
        """What was typed."""
        kept = self.digits.data == KEPT and self.meter is not None
        return MeterFacts(
            meter_no=self.meter_no.value,
            bore=self.bore.value or "",
            meter_type=self.meter_type.value or "",
            maker=self.maker.value or "",
            installed_on=self.installed_on.value,
            dial_modulus=self.meter.dial_modulus if kept and self.meter else Decimal(10) ** int(self.digits.data),
            initial_reading=self.initial_reading.value or Decimal(0),
            master_no=self.master_no.value or "",
            note=(self.note.data or "").strip(),
        )


def _as_typed(meter: Meter, master_no: str) -> dict[str, Any]:
    digits = len(f"{meter.dial_modulus:.0f}") - 1
    usual = meter.dial_modulus == Decimal(10) ** digits and digits in DIGITS
    return {
        "meter_no": meter.meter_no,
        "bore": meter.bore,
        "meter_type": meter.meter_type,
        "maker": meter.maker,
        "installed_on": meter.installed_on.isoformat() if meter.installed_on else "",
        "initial_reading": plain(meter.initial_reading),
        "digits": str(digits) if usual else KEPT,
        "master_no": master_no,
        "note": meter.note,
    }


class StopForm(FlaskForm):  # type: ignore[misc]
    """停表."""

    reading = reading_field("停表时读数", "请填写停表时水表上的读数。")
    on = DayField("停表日期", "请选择停表日期。")
    until = DayField("停到哪天")
    reason = StringField("原因", [Length(max=100, message="原因最多 100 个字。")])


class ResumeForm(FlaskForm):  # type: ignore[misc]
    """恢复."""

    reading = reading_field("恢复时读数", "请填写恢复时水表上的读数。")
    on = DayField("恢复日期", "请选择恢复日期。")


class UnbindForm(FlaskForm):  # type: ignore[misc]
    """解绑."""

    reading = reading_field("拆表止码", "请填写拆表时水表上的读数。")
    on = DayField("解绑日期", "请选择解绑日期。")


class ChangeForm(FlaskForm):  # type: ignore[misc]
    """变更 of the 水表性质."""

    use_category_id = SelectField("新的水表性质", coerce=int, validate_choice=False)
    effective_from = DayField("生效日期", "请选择生效日期。")
    reason = StringField("变更原因", [Length(max=100, message="变更原因最多 100 个字。")])


class PickForm(FlaskForm):  # type: ignore[misc]
    """A form in which a meter that nobody has is picked: by a part of its 表号, then one of those found."""

    meter = CellField("表号", cells.code())
    meter_id = IntegerField(validators=[Optional()])

    def picked(self) -> int | None:
        """The one that was ticked, or whose 表号 was typed in full; else None, with the reason beside the field."""
        typed = self.meter.value or ""
        key = self.meter_id.data or queries.ids_by_no([typed]).get(typed)
        if key is None:
            self.meter.errors = [f"没有找到表号「{typed}」，请核对或换一部分再找。" if typed else "请选择一块水表。"]
        return key


class ReplaceForm(PickForm):
    """换表."""

    reading = reading_field("旧表止码", "请填写旧表拆下时的读数。")
    start_reading = reading_field("新表起码")
    on = DayField("换表日期", "请选择换表日期。")


class MixRow(Form):
    """One standard of a mixed use."""

    tariff_id = SelectField("收费标准", coerce=int, default=0)
    fixed = SelectField(
        "怎么分", choices=[SelectChoice("", "按比例 %"), SelectChoice("fixed", "固定水量 m³")], default=""
    )
    amount = StringField("比例或水量")


class BindForm(PickForm):
    """绑定水表."""

    use_category_id = SelectField("水表性质", coerce=int, validate_choice=False)
    start_reading = reading_field("起码")
    on = DayField("绑定日期", "请选择绑定日期。")
    mix = FieldList(FormField(MixRow), label="混合用水", min_entries=MIXED_PARTS, max_entries=MIXED_PARTS)

    def offer(self, categories: dict[int, str], tariffs: dict[int, str]) -> None:
        """What may be chosen."""
        self.use_category_id.choices = [SelectChoice(key, name) for key, name in categories.items()]
        for row in self.mix:
            row.form.tariff_id.choices = [
                SelectChoice(0, "—"),
                *(SelectChoice(key, name) for key, name in tariffs.items()),
            ]

    @property
    def mixes(self) -> bool:
        """Whether something is said about 混合用水."""
        return any(row.form.tariff_id.data or row.form.amount.data for row in self.mix)

    def mix_value(self) -> tuple[bool, list[dict[str, Any]] | None]:
        """Whether the mix can be so, and the mix (None: none); else the reason stands beside it."""
        try:
            return True, mix_of(
                [_part(row.form) for row in self.mix if row.form.tariff_id.data or row.form.amount.data]
            )
        except ValueError as error:
            self.mix.errors = [str(error)]
            return False, None


def _part(row: MixRow) -> Part:
    if not row.tariff_id.data:
        raise ValueError("混合用水有一行没有选收费标准，请选择或清空这一行。")
    amount = cells.number(3, least=0)(row.amount.data or "")
    if amount is None:
        raise ValueError("混合用水有一行没有填比例或水量，请填写。")
    return Part(row.tariff_id.data, amount, row.fixed.data == "fixed")
