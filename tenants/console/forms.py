"""What operators fill in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileAllowed, FileField
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import DataRequired, EqualTo, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tenants.entry import weak
from tenants.operators import ROLES
from tenants.provisioning import PlantError
from tenants.support import MINUTES

SHORTEST = 10  # characters of an operator's password
_ROLES = [SelectChoice(*one) for one in ROLES.items()]


class _Form(FlaskForm):  # type: ignore[misc]
    """A form that can say what a service refused."""

    def refuse(self, error: PlantError) -> None:
        """Show it beside the field it names, else on top."""
        if error.field in self:
            self[error.field].errors = [*self[error.field].errors, str(error).rstrip("。") + "。"]
        else:
            self.form_errors.append(str(error))


class LoginForm(_Form):
    """运营人员登录."""

    username = StringField("用户名", [DataRequired("请填写用户名"), Length(max=50)])
    password = PasswordField("密码", [DataRequired("请填写密码"), Length(max=200)])
    captcha_id, in_words = HiddenField(), HiddenField()
    captcha = StringField("验证码")


class CodeForm(_Form):
    """动态码, or a recovery code."""

    code = StringField("动态码", [DataRequired("请填写手机上的 6 位数字。"), Length(max=40)])


class SwitchOffForm(_Form):
    """关闭两步登录."""

    password = PasswordField("登录密码", [DataRequired("请填写登录密码。"), Length(max=200)])


class PasswordForm(_Form):
    """修改密码."""

    old = PasswordField("原密码", [DataRequired("请填写原密码。"), Length(max=200)])
    new = PasswordField("新密码", [DataRequired("请填写新密码。")])
    again = PasswordField("再输一次", [EqualTo("new", "两次输入的新密码不一样。")])

    def __init__(self, *args: Any, about: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._about = about  # what others know of the operator

    def validate_new(self, field: Field) -> None:
        """Long enough for who can open every plant, and nothing that others guess."""
        why_not = weak.why_not(field.data, about=self._about, shortest=SHORTEST)
        if why_not:
            raise ValidationError(why_not)


class PlantForm(_Form):
    """开通水厂."""

    name = StringField("水厂名称", [DataRequired("请填写水厂名称，例如：清泉村供水站。"), Length(max=50)])
    county = StringField("所在县", [Length(max=50)])
    slug = StringField("子域名", [DataRequired("请填写子域名，例如：qingquan。"), Length(max=30)])
    admin = StringField("站长的用户名", [DataRequired("请填写站长的用户名。"), Length(max=50)], default="admin")
    standards = SelectMultipleField("收费标准", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False))
    workbook = FileField("用户档案", [FileAllowed(["xlsx"], "请上传 .xlsx 工作簿。")])


class DeletionForm(_Form):
    """删除水厂."""

    slug = StringField("水厂的子域名", [DataRequired("请输入这座水厂的子域名。"), Length(max=30)])


class EditForm(_Form):
    """修改水厂."""

    name = StringField("水厂名称", [DataRequired("请填写水厂名称。"), Length(max=50)])
    county = StringField("所在县", [Length(max=50)])
    domain = StringField("自有域名", [Length(max=253)])


class ReasonForm(_Form):
    """停用 or 归档."""

    reason = StringField("原因", [DataRequired("请填写原因，水厂的人会看到它。"), Length(max=200)])


class SupportForm(_Form):
    """进入水厂查看."""

    reason = StringField("原因", [DataRequired("请填写原因，它会记进水厂的操作日志。"), Length(max=200)])
    minutes = RadioField(
        "时间", choices=[SelectChoice(m, f"{m} 分钟") for m in MINUTES], coerce=int, default=MINUTES[0]
    )


class OperatorForm(_Form):
    """运营人员."""

    name = StringField("姓名", [DataRequired("请填写姓名。"), Length(max=50)])
    role = SelectField("角色", choices=_ROLES)
    active = BooleanField("在用", default=True)


class NewOperatorForm(_Form):
    """新增运营人员."""

    username = StringField("用户名", [DataRequired("请填写用户名。"), Length(max=50)])
    name = StringField("姓名", [DataRequired("请填写姓名。"), Length(max=50)])
    role = SelectField("角色", choices=_ROLES, default="support")
