"""Forms of login and personal data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import AnyOf, DataRequired, EqualTo, Length, ValidationError

from app.permissions import ROLES
from app.staff.fields import NewPersonForm, PersonForm, clean, name_field
from app.web.forms import mobile_number
from tenants.entry import weak


class LoginForm(FlaskForm):  # type: ignore[misc]
    """登录."""

    username = StringField(
        "用户名", [DataRequired("请填写用户名。"), Length(max=50, message="用户名最多 50 个字。")], filters=[clean]
    )
    password = PasswordField("密码", [DataRequired("请填写密码。"), Length(max=200, message="密码最多 200 个字。")])
    captcha_id = HiddenField(filters=[clean])
    in_words = HiddenField()  # the 验证码 is a sum, for who cannot see the picture
    captcha = StringField("验证码", [DataRequired("请填写验证码。")], filters=[clean])


class CodeForm(FlaskForm):  # type: ignore[misc]
    """动态码, or a recovery code."""

    code = StringField("动态码", [DataRequired("请填写手机上的 6 位数字。"), Length(max=40, message="最多 40 个字。")])


class SwitchOffForm(FlaskForm):  # type: ignore[misc]
    """关闭两步登录."""

    password = PasswordField(
        "登录密码", [DataRequired("请填写登录密码。"), Length(max=200, message="密码最多 200 个字。")]
    )


def _role(*before: SelectChoice) -> SelectField:
    known = AnyOf(ROLES, message="请选择岗位。")
    choices = [*before, *(SelectChoice(key, name) for key, (name, _) in ROLES.items())]
    return SelectField("岗位", [known], choices=choices, validate_choice=False)


class StaffForm(PersonForm):
    """修改员工."""

    role = _role()


class NewStaffForm(StaffForm, NewPersonForm):
    """新增员工."""

    role = _role(SelectChoice("", "请选择"))


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """个人中心."""

    name = name_field("昵称")
    mobile = StringField("手机号", [mobile_number])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """修改密码."""

    old = PasswordField("原密码", [DataRequired("请填写原密码。"), Length(max=200, message="密码最多 200 个字。")])
    new = PasswordField(
        "新密码",
        [DataRequired("请填写新密码。")],
    )
    again = PasswordField(
        "再输一次新密码",
        [DataRequired("请再输一次新密码。"), EqualTo("new", message="两次输入的新密码不一样，请重新输入。")],
    )

    def __init__(self, *args: Any, about: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._about = about  # what others know of the person

    def validate_new(self, field: Field) -> None:
        """Long enough, and nothing that others guess."""
        why_not = weak.why_not(field.data, about=self._about)
        if why_not:
            raise ValidationError(why_not)
