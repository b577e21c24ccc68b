"""The form of a customer, and those of the batch actions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError

from app.areas import queries as areas
from app.customers import queries
from app.customers.models import Customer
from app.customers.rules import identity_card, plain
from app.tariffs import queries as tariffs
from app.web.forms import choices
from app.web.imports import cells

YES_NO = choices([("yes", "是"), ("no", "否")])
NO_QUOTA = ("", "不用定额")
FIELDS = (
    "customer_no", "holder", "phone", "id_card", "address", "route_id", "route_seq", "people", "charged_by_meter",
    "use_category_id", "auto_deduct", "quota_id", "quota_units", "area", "note",
)  # fmt: skip


def _clean(typed: str | None) -> str:
    return "".join(c for c in typed or "" if c.isprintable()).strip()


def _lines(typed: str | None) -> str:
    return "\n".join(_clean(line) for line in (typed or "").splitlines()).strip()


def _text(label: str, longest: int, *validators: Any) -> StringField:
    too_long = Length(max=longest, message=f"{label}最多 {longest} 个字。")
    return StringField(label, [*validators, too_long], filters=[_clean])


def _offered(sentence: str) -> Callable[[FlaskForm, Any], None]:
    """One of what is offered; else the sentence."""

    def check(_form: FlaskForm, field: Any) -> None:
        if field.data not in {key for key, *_ in field.choices}:
            raise ValidationError(sentence)

    return check


class NumberField(StringField):
    """A number as it was typed; `number` is it, None where the field is empty. `places`: decimals it may have."""

    number: Decimal | None = None

    def __init__(self, label: str, *, places: int = 0, most: int = 999_999, **kwargs: Any) -> None:
        super().__init__(label, filters=[_clean], **kwargs)
        self.places, self.most = places, most

    def pre_validate(self, _form: FlaskForm) -> None:
        """A sentence for what is no such number."""
        if not self.data:
            return
        decimals = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        if not re.fullmatch(rf"[0-9]{{1,9}}{decimals}", self.data):
            kind = f"数字，最多 {self.places} 位小数" if self.places else "整数"
            raise ValidationError(f"{self.label.text}应为{kind}，不小于 0。")
        self.number = Decimal(self.data)
        if self.number > self.most:
            raise ValidationError(f"{self.label.text}太大，最多 {self.most}。")


class CustomerForm(FlaskForm):  # type: ignore[misc]
    """用户档案: 新增 and 修改. `seen`: what the person was shown, so that others' changes are noticed."""

    seen = HiddenField()
    customer_no = _text("户号", 20, DataRequired("请填写户号。"))
    holder = _text("户名", 60, DataRequired("请填写户名。"))
    phone = _text("电话", 20)
    id_card = _text("身份证", 30)
    address = _text("地址", 120)
    route_id = SelectField("区册", [_offered("请选择区册。")], validate_choice=False)
    route_seq = NumberField("册内序号")
    people = NumberField("人口", most=9999)
    charged_by_meter = RadioField("是否抄表水费", [InputRequired("请选择是或否。")], choices=YES_NO, default="yes")
    auto_deduct = RadioField("自动扣费", [InputRequired("请选择是或否。")], choices=YES_NO, default="no")
    use_category_id = SelectField("水表性质", [_offered("请选择水表性质。")], validate_choice=False)
    quota_id = SelectField("定额", [_offered("请选择定额，或选「不用定额」。")], validate_choice=False)
    quota_units = NumberField("定额数量", places=2)
    area = NumberField("面积", places=2, most=99_999_999)
    note = TextAreaField("备注", [Length(max=300, message="备注最多 300 个字。")], filters=[_lines])

    def __init__(self, *args: Any, bound: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choose = [] if self.route_id.data else [("", "请选择")]
        self.route_id.choices = choices([*choose, *areas.route_options()])
        self.use_category_id.choices = choices((str(key), name) for key, name in tariffs.categories().items())
        self.quota_id.choices = choices([NO_QUOTA, *queries.quota_options()])
        if bound:  # then the binding says what it is charged as
            del self.use_category_id

    @classmethod
    def of(cls, person: Customer, *, bound: bool) -> CustomerForm:
        """The form as it is first shown."""
        return cls(data=carried(person), bound=bound)

    def validate_customer_no(self, field: Field) -> None:
        """Letters, digits and hyphens, as on bills."""
        if not re.fullmatch(r"[0-9A-Za-z-]+", field.data):
            raise ValidationError("户号只能用数字、字母和横线。")

    def validate_phone(self, field: Field) -> None:
        """A mobile or a fixed line, or nothing."""
        if not field.data:
            return
        try:
            found = cells.phone()(field.data)
        except ValueError as error:
            said = "手机号应为 11 位数字，以 1 开头；固定电话请带区号，例如 0916-5123456。"
            raise ValidationError(said) from error
        field.data = getattr(found, "value", found)

    def validate_id_card(self, field: Field) -> None:
        """18 digits with the right check digit, or nothing."""
        if field.data:
            try:
                field.data = identity_card(field.data)
            except ValueError as error:
                raise ValidationError(str(error)) from error

    def values(self) -> dict[str, Any]:
        """What is stored; 册内序号 None where it was left empty."""
        zero = Decimal(0)
        found: dict[str, Any] = {
            name: self[name].data for name in ("customer_no", "holder", "phone", "id_card", "address", "note")
        }
        found |= {
            "route_id": int(self.route_id.data),
            "route_seq": None if self.route_seq.number is None else int(self.route_seq.number),
            "people": int(self.people.number or 0),
            "charged_by_meter": self.charged_by_meter.data == "yes",
            "auto_deduct": self.auto_deduct.data == "yes",
            "quota_id": int(self.quota_id.data) if self.quota_id.data else None,
            "quota_units": self.quota_units.number or zero,
            "area": self.area.number or zero,
        }
        if "use_category_id" in self:
            found["use_category_id"] = int(self.use_category_id.data)
        return found

    def shown(self) -> dict[str, str]:
        """What the person was shown when the form was opened; nothing where that cannot be read."""
        try:
            found = json.loads(self.seen.data or "{}")
        except ValueError:
            return {}
        return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}

    def remember(self, now: dict[str, str]) -> None:
        """From here on the person has been shown these."""
        self.seen.data = json.dumps(self.shown() | now, ensure_ascii=False)


def carried(person: Customer) -> dict[str, str]:
    """The customer's fields as a form carries them."""
    return {name: plain(getattr(person, name)) for name in FIELDS}


class MoveForm(FlaskForm):  # type: ignore[misc]
    """批量换区册."""

    route_id = SelectField(
        "换到哪一册", [DataRequired("请选择区册。"), _offered("请选择区册。")], validate_choice=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.route_id.choices = choices([("", "请选择"), *areas.route_options()])


class AutoDeductForm(FlaskForm):  # type: ignore[misc]
    """批量设自动扣费."""

    auto_deduct = RadioField("自动扣费", [InputRequired("请选择是或否。")], choices=YES_NO, default="yes")


class CloseForm(FlaskForm):  # type: ignore[misc]
    """销户: nothing to fill in but the question."""


__all__ = ["AutoDeductForm", "CloseForm", "CustomerForm", "MoveForm", "NumberField", "carried"]
