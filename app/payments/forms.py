"""Forms of the counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, StopValidation

from app.money import fmt_yuan, parse_amount
from app.payments.rules import METHODS, ZERO
from app.web.forms import choices

MUCH_CHANGE = Decimal(500)  # yuan nobody gives back over a counter: a digit too many was typed
MUCH = Decimal(10000)  # yuan of 预存 at once that are worth a second look
TOP_UP_METHODS = {method: name for method, name in METHODS.items() if method != "prepaid"}


def new_key() -> str:
    """What marks one sending of one form (幂等键)."""
    return uuid4().hex


class AmountField(StringField):
    """金额, as it was typed; `amount` is it in yuan, None where it is none. Where it is not `needed` it may be anything."""

    amount: Decimal | None = None
    needed = True

    def pre_validate(self, _form: FlaskForm) -> None:
        """A sentence for what cannot be read."""
        if not self.needed:
            return
        try:
            self.amount = parse_amount(self.data or "")
        except ValueError as error:
            raise StopValidation(str(error)) from error


class CountedField(AmountField):
    """实点金额: below zero too, for a drawer that has only given back."""

    def pre_validate(self, form: FlaskForm) -> None:
        """As an amount, with a minus before it."""
        typed = (self.data or "").strip()
        self.data = typed.removeprefix("-")
        try:
            super().pre_validate(form)
        finally:
            self.data = typed
        if typed.startswith("-") and self.amount is not None:
            self.amount = -self.amount


class SureField(BooleanField):
    """A tick for one certain amount: 「没有打错」 said of ¥20 says nothing of ¥2,000."""

    of = ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Keep what the tick was said of."""
        self.of = valuelist[0] if valuelist else ""
        self.data = bool(self.of)


def _methods(methods: Mapping[str, str]) -> RadioField:
    """Big keys; an unknown one is refused by the service, in Chinese."""
    return RadioField(
        "缴费方式",
        [InputRequired("请选择缴费方式。")],
        choices=choices(methods.items()),
        default="cash",
        validate_choice=False,
    )


class MoneyForm(FlaskForm):  # type: ignore[misc]
    """What every form that takes money has. `doubt`: why the cashier is asked to look again, and for what the tick is."""

    key = HiddenField()
    sure = SureField("没有打错，就按这个数收")
    doubt: str = ""

    def is_sure(self, field: Field, money: Decimal, doubt: str) -> bool:
        """Whether there is no doubt, or the tick was set for this very amount; else asks for it beside the field."""
        if not doubt or self.sure.of == str(money):
            return True
        self.doubt = str(money)
        field.errors = [*field.errors, doubt]
        self.sure.errors = ["请看清金额；没有打错就勾选，再确认一次。"]
        return False


class PaymentForm(MoneyForm):
    """收费. Each ticked bill comes as 'id:yuan', the yuan that the page showed for it."""

    methods = METHODS
    nothing = "请至少勾选一张账单。"
    bills = SelectMultipleField(validate_choice=False)
    method = _methods(METHODS)
    tendered = AmountField("实收")
    keep_change = BooleanField("找零转入预存")

    @property
    def seen(self) -> dict[int, Decimal]:
        """Bill id → yuan; what is no such pair is left out."""
        return _pairs(self.bills.data)

    @property
    def owed(self) -> Decimal:
        """Yuan of the ticked bills, as the cashier saw them."""
        return sum(self.seen.values(), ZERO)

    @property
    def prepaid(self) -> bool:
        """Whether the account's own money pays; then nothing is handed over."""
        return bool(self.method.data == "prepaid")

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """What is typed, and whether it can be meant."""
        self.tendered.needed = not self.prepaid
        right: bool = super().validate(extra_validators)
        if not self.seen:
            self.bills.errors = [self.nothing]
            return False
        return right

    def agrees(self, credit: Decimal) -> bool:
        """Whether the amount fits what is owed, or the cashier is sure. `credit`: 预存余额 of the account, in yuan."""
        money = min(credit, self.owed) if self.prepaid else self.tendered.amount or ZERO
        field = self.method if self.prepaid else self.tendered
        return self.is_sure(field, money, self._doubt(money, field is self.method))

    def _doubt(self, money: Decimal, prepaid: bool) -> str:
        left = money - self.owed
        if money and left < 0:
            what = "预存余额" if prepaid else "实收"
            return f"{what} {fmt_yuan(money)} 比应收 {fmt_yuan(self.owed)} 少 {fmt_yuan(-left)}，余下的仍是欠费。"
        if self.keep_change.data:
            return f"要转入预存 {fmt_yuan(left)}，金额很大。" if left >= MUCH else ""
        if self.method.data == "cash" and left >= MUCH_CHANGE:
            return f"要找零 {fmt_yuan(left)}，实收是不是多打了数字？"
        return ""


class TopUpForm(MoneyForm):
    """充值."""

    methods = TOP_UP_METHODS
    method = _methods(TOP_UP_METHODS)
    amount = AmountField("充值金额")

    def agrees(self) -> bool:
        """Whether the amount can be meant, or the cashier is sure."""
        money = self.amount.amount or ZERO
        return self.is_sure(self.amount, money, f"要充值 {fmt_yuan(money)}，金额很大。" if money >= MUCH else "")


class ReasonForm(FlaskForm):  # type: ignore[misc]
    """冲红. `chain`: the movements that the page showed as going back with it, by id."""

    key = HiddenField()
    chain = HiddenField()
    reason = StringField(
        "冲红原因", [InputRequired("请填写冲红原因。"), Length(max=200, message="原因最多 200 个字。")]
    )

    @property
    def seen(self) -> list[int]:
        """What was shown."""
        return [int(one) for one in (self.chain.data or "").split(",") if one.isdecimal() and one.isascii()]


class RefundForm(FlaskForm):  # type: ignore[misc]
    """退预存."""

    key = HiddenField()
    amount = AmountField("退款金额")
    method = SelectField("退款方式", choices=choices(TOP_UP_METHODS.items()), default="cash")
    reason = StringField(
        "退款原因", [InputRequired("请填写退款原因。"), Length(max=200, message="原因最多 200 个字。")]
    )


class WaiverForm(FlaskForm):  # type: ignore[misc]
    """减免违约金: an amount for each ticked bill comes as `fee-<bill id>`."""

    key = HiddenField()
    amount = HiddenField("减免金额")  # where what is wrong with the amounts is said
    reason = StringField(
        "减免原因", [InputRequired("请填写减免原因。"), Length(max=200, message="原因最多 200 个字。")]
    )
    approved_by = SelectField("批准人", coerce=int)


class DayCloseForm(FlaskForm):  # type: ignore[misc]
    """日结: what was counted, by method."""

    counted_cash = CountedField("现金")
    counted_wechat = CountedField("微信")
    counted_alipay = CountedField("支付宝")
    counted_bank = CountedField("银行转账")
    note = StringField("说明", [Length(max=200, message="说明最多 200 个字。")])


class TogetherForm(PaymentForm):
    """合单收费. Each ticked account comes as 'customer id:yuan', the yuan that the page showed for all its bills."""

    methods = TOP_UP_METHODS
    method = _methods(TOP_UP_METHODS)
    nothing = "请至少勾选一户。"


def _pairs(texts: Sequence[str] | None) -> dict[int, Decimal]:
    """'id:yuan' each; what is no such pair is left out."""
    pairs = (text.split(":", 1) for text in texts or [] if ":" in text)
    return {int(one): Decimal(yuan) for one, yuan in pairs if one.isdecimal() and _is_plain(yuan)}


def _is_plain(text: str) -> bool:
    whole, _, cents = text.partition(".")
    return whole.isdecimal() and whole.isascii() and len(whole) <= 12 and len(cents) == 2 and cents.isdecimal()
