"""The form of a 定额."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.tariffs import queries
from app.tariffs.forms.fields import NumberField, one_line
from app.tariffs.models import Quota
from app.web.forms import choices

CYCLES = ("月", "季", "年", "日", "次")


class QuotaForm(FlaskForm):  # type: ignore[misc]
    """新增, 修改."""

    code = StringField(
        "编码", [DataRequired("请填写编码。"), Length(max=40, message="编码最多 40 个字。")], filters=[one_line]
    )
    name = StringField(
        "名称", [DataRequired("请填写名称。"), Length(max=80, message="名称最多 80 个字。")], filters=[one_line]
    )
    use_category_id = SelectField("水表性质", coerce=int)
    unit = StringField("单位", [DataRequired("请填写单位，例如 立方米/人。"), Length(max=40)], filters=[one_line])
    value = NumberField("定额值", places=4, validators=[DataRequired("请填写定额值。")])
    cycle = SelectField("周期", choices=choices((name, name) for name in CYCLES))
    note = StringField("备注", [Length(max=300, message="备注最多 300 个字。")], filters=[one_line])

    def __init__(self, **known: Any) -> None:
        super().__init__(**known)
        self.use_category_id.choices = choices(queries.categories().items())

    def values(self) -> dict[str, Any]:
        """What is stored."""
        names = ("code", "name", "use_category_id", "unit", "cycle", "note")
        return {name: self[name].data for name in names} | {"value": Decimal(self.value.data or 0)}


def of_quota(quota: Quota) -> QuotaForm:
    """The form of one that is there."""
    names = ("code", "name", "use_category_id", "unit", "cycle", "note")
    return QuotaForm(data={name: getattr(quota, name) for name in names} | {"value": f"{quota.value.normalize():f}"})
