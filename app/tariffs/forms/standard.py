"""The editor of a standard: flat fields, as many rows as somebody needs, and sentences for what does not fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import DateField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from app.tariffs import queries
from app.tariffs.document import load
from app.tariffs.forms.drafting import DEFAULT_ITEM, ROWS, Document, Draft, draft, filled, values_of
from app.tariffs.forms.fields import NumberField, one_line
from app.tariffs.rules import Tariff, TariffError, tiers_fall
from app.web.forms import choices

LEAST = {"tier": 3, "extra": 3, "band": 3}  # rows that are offered
MOST = {"tier": 30, "extra": 29, "band": 20}
BASES = [
    ("volume", "每吨"), ("month", "每月（每户）"), ("head", "每人每月"), ("household", "每户每月（不按表）"),
    ("area", "每单位面积"), ("hour", "每小时"),
]  # fmt: skip
RULES = [
    ("", "不看人口"), ("per_extra_person", "超过几人，每多 1 人加量"), ("lump", "达到几人，一次加量"),
    ("per_head", "达到几人，按每人水量"),
]  # fmt: skip
CYCLES = [("month", "每月"), ("bimonth", "每两月"), ("quarter", "每季"), ("year", "每年")]
USES = [("metered", "按表（抄表收费）"), ("unmetered", "不按表（按人、按户收费）")]
MODES = [("graduated", "分段：每一段按自己的单价"), ("whole_volume", "全量：全部按到达的那一档")]
LATE = [("unpaid", "欠费金额"), ("charged", "应收金额")]
_ROW = re.compile(r"(tier|extra|band)_(\d{1,2})_([a-z_]+)")


class StandardForm(FlaskForm):  # type: ignore[misc]
    """What every standard has; its rows are added by `standard_form`."""

    base: Document = {}
    counts: Mapping[str, int] = LEAST

    name = StringField(
        "名称", [DataRequired("请填写名称。"), Length(max=60, message="名称最多 60 个字。")], filters=[one_line]
    )
    use_category = SelectField("水表性质", validate_choice=False)
    applies_to = RadioField(
        "收费类型",
        choices=choices(USES),
        default="metered",
        validate_choice=False,
    )
    effective_from = DateField("生效日期", [DataRequired("请填写从哪一天起生效，例如 2027-01-01。")])
    tier_cycle = SelectField("计费周期", choices=choices(CYCLES), default="month", validate_choice=False)
    item = StringField("项目名称", [Length(max=60)], filters=[one_line], default=DEFAULT_ITEM)
    tier_mode = RadioField("阶梯怎么算", choices=choices(MODES), default="graduated", validate_choice=False)
    minimum = NumberField("每月最低消费（元）")
    free_volume = NumberField("每月免费水量（吨）", places=3)
    household_rule = SelectField("户籍人口", choices=choices(RULES), default="", validate_choice=False)
    household_people = NumberField("几人", places=0, digits=2)
    due_day = NumberField("每月几日截止", places=0, digits=2)
    grace_days = NumberField("宽限几天", places=0, digits=3)
    daily_rate = NumberField("每天收几（%）", places=6, digits=3)
    late_base = SelectField("按什么算", choices=choices(LATE), default="unpaid", validate_choice=False)
    late_cap = NumberField("最多收到本金的（%）", places=4, digits=5)
    stamp = HiddenField()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The fields of each row: [{"up_to": field, …}, …]."""
        return [{name: self[f"{kind}_{i}_{name}"] for name in ROWS[kind]} for i in range(self.counts[kind])]

    def read(self, *, trial: bool = False) -> tuple[Document, Tariff] | None:
        """What the fields say, where nothing is wrong with it; errors stand beside their fields.

        `trial`: to price something with, so that its name and day may still be missing.
        """
        self.validate()
        for name in ("name", "effective_from") if trial else ():
            self[name].errors = []
        legible = not any(one.errors for one in self if isinstance(one, NumberField))
        if not legible or not self._makes_sense() or self.errors:
            return None
        made = draft(self.base, self.counts, self._value)
        if trial:
            made.document |= {"name": made.document["name"] or "试算"}
            made.document["effective_from"] = made.document["effective_from"] or "2000-01-01"
        rules = self._loaded(made)
        return (made.document, rules) if rules else None

    def wrong(self, name: str, sentence: str) -> bool:
        """Say it beside the field; False."""
        self[name].errors = [*self[name].errors, sentence]
        return False

    def _value(self, name: str) -> str:
        if name not in self:  # fixed once the standard has been made
            return str(self.base.get(name, ""))
        return str(self[name].data or "")

    def _loaded(self, made: Draft) -> Tariff | None:
        try:
            return load(made.document)
        except TariffError as error:
            name = made.field_of(error.path)
            if name in self:
                self.wrong(name, error.message)
            else:
                self.form_errors.append(str(error))
            return None

    def _makes_sense(self) -> bool:
        tiers = filled("tier", self.counts, self._value)
        checks = [self._check_tiers(tiers), self._check_extras(tiers), self._check_people(tiers)]
        return all([*checks, self._check_bands(), self._check_late_fee()])

    def _check_tiers(self, rows: list[int]) -> bool:
        right = True
        for i in rows:
            if not self._value(f"tier_{i}_price"):
                right = self.wrong(f"tier_{i}_price", "请填写这一档的单价。")
        right = self._check_bounds("tier", rows) and right
        if right and not (self.base and tiers_fall(load(self.base))):
            for before, i in pairwise(rows):
                lower, price = self._value(f"tier_{before}_price"), self._value(f"tier_{i}_price")
                if Decimal(price) < Decimal(lower):
                    right = self.wrong(f"tier_{i}_price", f"单价比上一档的 ¥{lower} 低，阶梯水价应逐档升高，请核对。")
        return right

    def _check_bounds(self, kind: str, rows: list[int]) -> bool:
        """Bounds rise; only the last is open."""
        right, lower = True, Decimal(0)
        for i in rows:
            name = f"{kind}_{i}_up_to"
            upper, last = self._value(name), i == rows[-1]
            if not upper and not last:
                right = self.wrong(name, "请填写这一档到多少为止；只有最后一档空着，表示「以上」。")
            elif upper and last:
                right = self.wrong(name, "最后一档的上限要空着，表示「以上」；后面还有就再填一档。")
            elif upper and Decimal(upper) <= lower:
                what = f"上一档的 {lower:f} 高，两档不能重叠" if i != rows[0] else "0 高"
                right = self.wrong(name, f"上限要比{what}。")
            lower = Decimal(upper) if upper else lower
        return right

    def _check_extras(self, tiers: list[int]) -> bool:
        rows, right = filled("extra", self.counts, self._value), True
        for i in rows:
            if not self._value(f"extra_{i}_item"):
                right = self.wrong(f"extra_{i}_item", "请填写项目名称，例如 污水处理费。")
            if not self._value(f"extra_{i}_price"):
                right = self.wrong(f"extra_{i}_price", "请填写单价；不收这一项就把项目名称也清空。")
            if self._value(f"extra_{i}_factor") and self._value(f"extra_{i}_basis") != "volume":
                right = self.wrong(f"extra_{i}_factor", "只有每吨收的项目才有折算系数，请清空。")
        if self._value("applies_to") == "unmetered" and tiers:
            return self.wrong(f"tier_{tiers[0]}_price", "不按表的用户没有用水量，请清空，把价格填在「其他费用」里。")
        if not rows and not tiers and not self.base.get("charges"):
            right = self.wrong("tier_0_price", "请至少填一个单价。")
        return right

    def _check_people(self, tiers: list[int]) -> bool:
        if not self._value("household_rule"):
            typed = [i for i in tiers if Decimal(self._value(f"tier_{i}_people") or "0")]
            where = f"tier_{typed[0]}_people" if typed else ""
            return self.wrong(where, "填了人口加量，请在「户籍人口」里选一种规则，或清空。") if typed else True
        if len(tiers) < 2:
            return self.wrong("household_rule", "户籍人口改变的是阶梯上限，请先填两档以上的阶梯，或选「不看人口」。")
        if not self._value("household_people"):
            return self.wrong("household_people", "请填写人数，例如 4。")
        return True

    def _check_bands(self) -> bool:
        rows, right = filled("band", self.counts, self._value), True
        for i in rows:
            if not self._value(f"band_{i}_multiplier"):
                right = self.wrong(f"band_{i}_multiplier", "请填写倍数，例如加价 50% 填 1.5。")
        return self._check_bounds("band", rows) and right

    def _check_late_fee(self) -> bool:
        if self._value("due_day") and not self._value("daily_rate"):
            return self.wrong("daily_rate", "请填写每天收百分之几，万分之五填 0.05；不收违约金就把截止日清空。")
        rest = [name for name in ("daily_rate", "grace_days", "late_cap") if self._value(name)]
        if rest and not self._value("due_day"):
            return self.wrong("due_day", "请填写每月几日截止，例如 25；不收违约金就把违约金各项都清空。")
        return True


def _row_fields(counts: Mapping[str, int]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for i in range(counts["tier"]):
        fields[f"tier_{i}_up_to"] = NumberField(f"第 {i + 1} 档用到多少吨（含）", places=3)
        fields[f"tier_{i}_price"] = NumberField(f"第 {i + 1} 档单价", places=4)
        fields[f"tier_{i}_fixed"] = NumberField(f"第 {i + 1} 档进档另收", places=2)
        fields[f"tier_{i}_people"] = NumberField(f"第 {i + 1} 档人口加量", places=3)
    for i in range(counts["extra"]):
        fields[f"extra_{i}_item"] = StringField(f"其他费用 {i + 1} 名称", [Length(max=60)], filters=[one_line])
        fields[f"extra_{i}_basis"] = SelectField(
            f"其他费用 {i + 1} 怎么收", choices=choices(BASES), default="volume", validate_choice=False
        )
        fields[f"extra_{i}_price"] = NumberField(f"其他费用 {i + 1} 单价", places=4)
        fields[f"extra_{i}_factor"] = NumberField(f"其他费用 {i + 1} 折算系数", places=6, digits=3)
        fields[f"extra_{i}_origin"] = HiddenField()
    for i in range(counts["band"]):
        fields[f"band_{i}_up_to"] = NumberField(f"超定额第 {i + 1} 档到百分之几（含）", places=4, digits=5)
        fields[f"band_{i}_multiplier"] = NumberField(f"超定额第 {i + 1} 档倍数", places=6, digits=3)
    return fields


def standard_form(base: Document, typed: MultiDict[str, str] | None, **known: Any) -> StandardForm:
    """The editor over a document ({}: a new standard), with what was typed where something was.

    Among what is typed, `add` = 'tier' asks for another row and `drop` = 'tier_2' for one less.
    """
    shown = values_of(base)
    given = typed if typed is None else _dropped(typed)
    counts = _counts(shown if given is None else given)
    if typed is not None and typed.get("add") in counts:
        counts[typed["add"]] = min(counts[typed["add"]] + 1, MOST[typed["add"]])
    made = type("StandardForm", (StandardForm,), {**_row_fields(counts), "base": base, "counts": counts})
    form: StandardForm = made(formdata=given, data=None if given is not None else shown | known)
    if base:  # what a standard is for does not change
        del form.use_category, form.applies_to
    else:
        form.use_category.choices = choices((name, name) for name in queries.categories().values())
    return form


def _counts(values: Mapping[str, Any]) -> dict[str, int]:
    counts = dict(LEAST)
    for name in values:
        match = _ROW.fullmatch(name)
        if match:
            kind = match[1]
            counts[kind] = min(max(counts[kind], int(match[2]) + 1), MOST[kind])
    return counts


def _dropped(typed: MultiDict[str, str]) -> MultiDict[str, str]:
    """Without the row that `drop` names; those below it move up."""
    kind, _, row = typed.get("drop", "").partition("_")
    if kind not in ROWS or not (row.isascii() and row.isdecimal()):
        return typed
    left: MultiDict[str, str] = MultiDict()
    for name, value in typed.items(multi=True):
        match = _ROW.fullmatch(name)
        if match and match[1] == kind and int(match[2]) >= int(row):
            if int(match[2]) > int(row):
                left.add(f"{kind}_{int(match[2]) - 1}_{match[3]}", value)
        else:
            left.add(name, value)
    return left
