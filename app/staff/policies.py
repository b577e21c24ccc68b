"""The form of 参数设置."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DecimalField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange

from app.staff.fields import clean
from app.web.forms import choices

POLICIES = (
    "deduct_policy", "payment_order", "split_by", "estimate_from", "high_volume", "high_factor", "receipt_paper", "pay_at",
)  # fmt: skip


_DAY = "请填 1 到 31 的整数。"
_DEDUCT_DAYS = choices([(0, "每晚"), *((day, f"每月 {day} 号") for day in range(1, 32))])


def _choice(label: str, **names: str) -> RadioField:
    return RadioField(label, [AnyOf(names, "请选一项。")], choices=choices(names.items()), validate_choice=False)


def _number(label: str, least: str, most: str) -> DecimalField:
    sentence = f"请填 {least} 到 {most} 之间的数字。"
    return DecimalField(
        label, [InputRequired(sentence), NumberRange(Decimal(least), Decimal(most), sentence)], places=None
    )


class PolicyForm(FlaskForm):  # type: ignore[misc]
    """One field per policy of app.staff.settings that a 站长 decides."""

    deduct_policy = _choice("自动扣费余额不够时", take_what_is_there="有多少扣多少", only_in_full="够一整张账单才扣")
    payment_order = _choice("交一部分时先抵", late_fee_first="先抵违约金", principal_first="先抵水费")
    split_by = _choice("月中调价时", reading_date="按抄表日那天的价", days="按天数分开算")
    estimate_from = IntegerField(
        "估抄按前几次平均",
        [InputRequired("请填 1 到 12 的整数。"), NumberRange(1, 12, "请填 1 到 12 的整数。")],
    )
    high_volume = _number("没有历史的户，一个月超过多少吨要复核", "1", "100000")
    high_factor = _number("有历史的户，超过平均几倍要复核", "1", "100")
    receipt_paper = _choice("收据纸", a5="A5 纸", roll="80 毫米卷纸")
    bill_day = IntegerField("账单日（每月几号夜里出账）", [InputRequired(_DAY), NumberRange(1, 31, _DAY)])
    deduct_day = SelectField("自动扣费日", choices=_DEDUCT_DAYS, coerce=int)
    pay_at = StringField("催缴通知单上的缴费地点", [Length(max=60, message="最多 60 个字。")], filters=[clean])

    def chosen(self, name: str) -> Any:
        """What is stored of a field: numbers as text, as the defaults are."""
        value = self[name].data
        if isinstance(value, Decimal):
            return f"{value.normalize():f}"
        return "" if value is None else value
