"""试算: what a usage costs by the standard that stands in the editor."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wtforms import Form

from app.tariffs.forms.fields import NumberField
from app.tariffs.forms.standard import StandardForm
from app.tariffs.rules import Line, Rating, TariffError, Usage, rate
from app.tariffs.rules.wording import plain, price


class TrialForm(Form):
    """The usage; it is never stored."""

    try_usage = NumberField("用水量（吨）", places=3, default="25")
    try_people = NumberField("人口", places=0, digits=2)
    try_months = NumberField("几个月的账单", places=0, digits=2, default="1")
    try_quota = NumberField("定额（吨）", places=3)
    try_area = NumberField("面积", places=2)
    try_hours = NumberField("小时", places=2)


@dataclass(frozen=True, slots=True)
class Trial:
    """「用 25 吨 = ¥59.75」 with its lines in words, or what still keeps it from being worked out."""

    usage: str
    rating: Rating | None = None
    lines: tuple[tuple[str, str, Decimal], ...] = ()
    lacking: str = ""


def try_out(form: StandardForm, trial: TrialForm) -> Trial:
    """Price the trial's usage by what the editor says."""
    if not trial.validate():
        wrong = next(one for one in trial if one.errors)
        return Trial("", lacking=f"{wrong.label.text}{wrong.errors[0]}")
    usage = _usage(trial)
    try:
        found = form.read(trial=True)
        if found is None:
            return Trial(plain(usage.volume), lacking=_first_error(form))
        rating = rate(found[1], usage)
    except TariffError as error:
        return Trial(plain(usage.volume), lacking=error.message)
    finally:
        for one in form:  # it is only looked at: nothing is said to be wrong yet
            one.errors = []
        form.form_errors = []
    lines = tuple((_what(line), _how(line), line.amount) for line in rating.lines)
    return Trial(plain(usage.volume), rating, lines)


def _usage(trial: TrialForm) -> Usage:
    def number(name: str) -> Decimal:
        return Decimal(trial[name].data or 0)

    return Usage(
        volume=number("try_usage"),
        people=int(number("try_people")),
        months=max(1, int(number("try_months"))),
        quota=number("try_quota"),
        area=number("try_area"),
        hours=number("try_hours"),
    )


def _first_error(form: StandardForm) -> str:
    for name, said in form.errors.items():
        return f"{form[name].label.text}：{said[0]}" if name and name in form else str(said[0])
    return ""


def _what(line: Line) -> str:
    return f"{line.item}（第 {line.tier} 档）" if line.tier else line.item


def _how(line: Line) -> str:
    """'8 × ¥2.00'; '' for a mere difference."""
    if line.price is None:
        return "补到最低消费"
    quantity = line.volume if line.volume is not None else line.quantity
    factors = [plain(quantity if quantity is not None else Decimal(1)), price(line.price)]
    factors += [plain(line.factor)] if line.factor is not None else []
    factors += [f"{plain(line.multiplier)} 倍（超定额）"] if line.multiplier is not None else []
    return " × ".join(factors)
