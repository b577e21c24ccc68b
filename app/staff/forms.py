"""Forms of login and personal data."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from app.web.forms import mobile_number


def _clean(text: str | None) -> str | None:
    return text.replace("\0", "").strip() if text else text


class LoginForm(FlaskForm):  # type: ignore[misc]
    """登录."""

    username = StringField("用户名", [DataRequired("请填写用户名。"), Length(max=50)], filters=[_clean])
    password = PasswordField("密码", [DataRequired("请填写密码。"), Length(max=200)])


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """个人中心."""

    name = StringField(
        "昵称",
        [DataRequired("请填写昵称。"), Length(max=20, message="昵称最多 20 个字。")],
        filters=[_clean],
    )
    mobile = StringField("手机号", [mobile_number])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """修改密码."""

    old = PasswordField("原密码", [DataRequired("请填写原密码。"), Length(max=200)])
    new = PasswordField(
        "新密码",
        [DataRequired("请填写新密码。"), Length(min=8, max=200, message="新密码至少 8 位。")],
    )
    again = PasswordField(
        "再输一次新密码",
        [DataRequired("请再输一次新密码。"), EqualTo("new", message="两次输入的新密码不一样，请重新输入。")],
    )
