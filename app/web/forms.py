"""What forms of all slices share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs
from wtforms.validators import ValidationError

from app.errors import DomainError
from app.web.errors import is_htmx

_MOBILE = re.compile(r"1[3-9][0-9]{9}")


def choices(pairs: Iterable[tuple[Any, str]]) -> Any:
    """Of value and label, as WTForms wants them."""
    return [SelectChoice(value, label) for value, label in pairs]


def mobile_number(_form: FlaskForm, field: Field) -> None:
    """A mobile number of the mainland, or nothing."""
    field.data = re.sub(r"[\s-]", "", field.data or "").removeprefix("+86")
    if field.data and not _MOBILE.fullmatch(field.data):
        raise ValidationError("手机号应为 11 位数字，以 1 开头，例如 13800000000。")


def refuse(form: FlaskForm, error: DomainError) -> None:
    """Show what a service refused: beside the field it names, else on top of the form."""
    if error.field and error.field in form:
        form[error.field].errors = [*form[error.field].errors, error.message]
    else:
        form.form_errors.append(error.message)


def in_dialog() -> bool:
    """Whether the form is asked for, or sent, from inside the dialog (a link with data-dialog)."""
    return request.headers.get("HX-Target") == "dialog-body"


def saved(message: str, url: str) -> ResponseReturnValue:
    """After a form has been stored: on to `url`, which says 「新增成功」; out of a dialog as well."""
    flash(message, "success")
    return make_response("", 204, {"HX-Redirect": url}) if is_htmx() else redirect(url)
