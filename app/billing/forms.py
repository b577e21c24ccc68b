"""Forms of 开账."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length


class UndoForm(FlaskForm):  # type: ignore[misc]
    """撤销开账: why."""

    reason = TextAreaField(
        "撤销原因",
        [InputRequired("请写明为什么撤销，例如：东街一册抄错。"), Length(max=200, message="原因请不超过 200 字。")],
    )
