"""What forms about people share: 员工管理 here, 抄表员管理 in areas."""

from __future__ import annotations

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from app.web.forms import mobile_number


def clean(text: str | None) -> str | None:
    """Without blanks around it, and without what PostgreSQL refuses."""
    return text.replace("\0", "").strip() if text else text


def name_field(label: str) -> StringField:
    """What somebody is called."""
    checks = [DataRequired(f"请填写{label}。"), Length(max=20, message=f"{label}最多 20 个字。")]
    return StringField(label, checks, filters=[clean])


def login_name(_form: FlaskForm, field: Field) -> None:
    """Typed on phones and old keyboards: letters and digits."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{2,20}", field.data or ""):
        raise ValidationError("用户名用 2 到 20 个字母或数字，例如 lijianguo。")


class PersonForm(FlaskForm):  # type: ignore[misc]
    """姓名 and 手机号 of somebody who works here."""

    name = name_field("姓名")
    mobile = StringField("手机号", [mobile_number])

    def values(self) -> dict[str, Any]:
        """What is stored."""
        return {name: self[name].data for name in ("name", "username", "mobile", "role") if name in self}


class NewPersonForm(PersonForm):
    """The same with the login name of somebody new."""

    username = StringField("用户名", [DataRequired("请填写用户名。"), login_name], filters=[clean])
