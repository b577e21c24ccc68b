"""One place where errors become pages: a whole page, a toast for htmx, JSON for scripts."""

from __future__ import annotations

from flask import Flask, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InternalError
from werkzeug.exceptions import HTTPException

from app.db import db
from app.errors import DomainError
from app.limits import seconds_left
from app.observe import ids
from tenants import context

SENTENCES = {
    400: "请求不完整，请返回上一页再试一次。",
    403: "您的岗位没有这项权限，请联系站长开通。",
    404: "没有这个页面，可能已被删除或地址有误。",
    405: "这个操作不能这样进行，请从页面上的按钮操作。",
    413: "文件太大，请控制在 32 MB 以内。",
    500: "系统出了点问题，已记录下来，请稍后再试。",
}


READ_ONLY = "25006"  # PostgreSQL's code of a change in a read-only transaction
ONLY_LOOKS = "正在以运营人员的身份只读查看，不能修改或办理任何业务。"


def wants_json() -> bool:
    """Whether the caller is a script."""
    return request.accept_mimetypes.best == "application/json"


def is_htmx() -> bool:
    """Whether htmx asks for a fragment."""
    return "HX-Request" in request.headers


def respond(code: int, message: str) -> ResponseReturnValue:
    """The error in the form the caller reads; where we are to blame, with the number under which the log has it."""
    number = ids.request_id.get() if code >= 500 else None
    if wants_json():
        return jsonify(error=message, request_id=number) if number else jsonify(error=message), code
    tell = f"请把编号 {number} 告诉运营人员。" if number else ""
    if is_htmx():
        return (
            render_template("errors/_toast.html", message=message + tell),
            code,
            {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"},
        )
    # After a crash nothing may be asked of the database, not even who is logged in.
    framed = code < 500 and context.current_or_none() is not None and current_user.is_authenticated
    return render_template("errors/error.html", code=code, message=message, tell=tell, framed=framed), code


def _too_much(seconds: int) -> ResponseReturnValue:
    """Whoever asks too much is told when to ask again."""
    wait = f"{seconds} 秒" if seconds < 100 else f"{-(-seconds // 60)} 分钟"
    answer = make_response(respond(429, f"操作太频繁，请 {wait}后再试。刚才这一步没有做成。"))
    answer.headers["Retry-After"] = str(seconds)
    return answer


def init(app: Flask) -> None:
    """Register the handlers."""

    @app.errorhandler(DomainError)
    def _domain(error: DomainError) -> ResponseReturnValue:
        db.session.rollback()
        return respond(409, error.message)

    @app.errorhandler(InternalError)
    def _database(error: InternalError) -> ResponseReturnValue:
        if getattr(error.orig, "sqlstate", None) != READ_ONLY:
            raise error
        db.session.rollback()
        return respond(403, ONLY_LOOKS)

    @app.errorhandler(CSRFError)
    def _csrf(_error: CSRFError) -> ResponseReturnValue:
        return respond(400, "页面放得太久，为了安全请返回刷新后再试一次。")

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> ResponseReturnValue:
        code = error.code or 500
        if error.response is not None or code < 400:
            return error
        if code == 429:
            return _too_much(seconds_left())
        return respond(code, SENTENCES.get(code, "请求没有成功，请返回上一页再试一次。"))
