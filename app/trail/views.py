"""操作日志: who did what, when and from where. Nobody can change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.http import parse_options_header

from app import audit
from app.audit import AuditEntry
from app.db import db, transaction
from app.permissions import Permission, requires
from app.staff.models import StaffUser
from app.trail import queries, rules, words
from app.web import tables
from app.web.table_export import XLSX, Exported
from app.web.tables import Choice, Column, DateRange, Table
from tenants import context, support

blueprint = Blueprint("trail", __name__, template_folder="templates")

NOBODY = "0"  # 系统 and operators, who are none of the staff


def _people() -> Choice:
    people = db.session.execute(select(StaffUser.id, StaffUser.name).order_by(StaffUser.name))
    options = [(str(key), name) for key, name in people]
    return Choice(
        key="by",
        label="所有人",
        options=[*options, (NOBODY, "系统和运营人员")],
        where=lambda value: AuditEntry.by_id.is_(None) if value == NOBODY else AuditEntry.by_id == int(value),
    )


ABOUT = Choice(
    key="about",
    label="所有事情",
    options=[(key, word) for key, (word, _) in rules.GROUPS.items()],
    where=lambda value: AuditEntry.entity.in_(rules.GROUPS[value][1]),
)
_PAGES: dict[str, Callable[[Any], str]] = {
    "customer": lambda row: url_for("customers.detail", customer_id=row.entity_id),
    "meter": lambda row: url_for("metering.detail", meter_id=row.entity_id),
    "meter_binding": lambda row: url_for("metering.history", binding_id=row.entity_id),
    "reading": lambda row: url_for("customers.detail", customer_id=row.customer_id, tab="readings"),
    "bill": lambda row: url_for("customers.detail", customer_id=row.customer_id, tab="bills"),
    "payment": lambda row: url_for("payments.order", payment_id=row.entity_id),
    "billing_run": lambda row: url_for("billing.run", run_id=row.entity_id),
    "tariff": lambda row: url_for("tariffs.detail", tariff_id=row.entity_id),
    "role": lambda _row: url_for("staff.roles"),
    "staff_user": lambda _row: url_for("staff.people"),
    "route": lambda _row: url_for("areas.index"),
    "district": lambda _row: url_for("areas.index"),
    "quota": lambda _row: url_for("tariffs.quotas"),
    "setting": lambda _row: url_for("staff.policies"),
    "night": lambda _row: url_for("dashboard.nights"),
}


def address(row: Any) -> str | None:
    """The page of what a line is about; None where there is none (any more)."""
    of_one = row.entity in ("customer", "meter", "meter_binding", "payment", "billing_run", "tariff")
    if (of_one and row.entity_id is None) or row.is_there is False:
        return None
    if row.entity in ("reading", "bill") and row.customer_id is None:
        return None
    page = _PAGES.get(row.entity)
    return page(row) if page else None


def _table(parts: Callable[[Any], list[words.Part]]) -> Table:
    line = AuditEntry
    return Table(
        name="操作日志",
        source=select(line.id),
        id=line.id,
        default_sort="-at",
        search=queries.matches,
        search_hint="户号、户名、表号、收据号、谁、改成了什么",
        filters=(_people(), ABOUT, DateRange(key="on", label="日期", column=line.at, moments=True, more=False)),
        columns=(
            Column("at", "时间", line.at, kind="moment", sort=(line.at,), width=18),
            Column("by_name", "谁", line.by_name, kind="custom", text=lambda row: row.by_name),
            Column("address", "从哪里", line.address, kind="code", shown=False),
            Column("action", "做了什么", line.action, kind="custom", width=30, text=words.title),
            Column(
                "changes", "内容", line.changes, kind="custom", width=80,
                text=lambda row: "，".join(map(str, parts(row))),
            ),
        ),
        extra={
            "from_": line.address,
            "entity": line.entity,
            "entity_id": line.entity_id,
            "record": queries.record(),
            "customer_id": queries.customer_id(),
            "is_there": queries.is_there(),
        },
        cells="trail/_cells.html",
        empty=("还没有操作记录", "从现在起，谁改了什么都会记在这里。"),
    )  # fmt: skip


# Files without anybody's data, and those whose printing has a line of its own.
QUIET = {"payments.receipt_pdf", "payments.batch_pdf", "payments.notices_pdf"}
CARRIED = {XLSX, "application/pdf", "application/zip", "text/csv"}


@blueprint.after_app_request
def tell_of_exports(response: Response) -> Response:
    """A file with the plant's data leaves no plant without a line that says who took it."""
    endpoint, tenant = request.endpoint or "", context.current_or_none()
    template = endpoint.startswith("intake.") and endpoint.endswith("_template")
    if (
        tenant is None
        or response.status_code != 200
        or response.mimetype not in CARRIED
        or template
        or endpoint in QUIET
    ):
        return response
    name = _file_name(response)
    taken = g.get("exported") or Exported(name.rpartition(".")[0].removeprefix(f"{tenant.name}_"))
    told = {key: value for key, value in taken._asdict().items() if value not in ("", None)} | {"file": name}
    db.session.rollback()  # whatever was read; a visitor's transaction could not write
    with context.use(replace(tenant, read_only=False)), transaction():
        audit.record("exported", "list", None, told)
    if g.get("support"):
        support.note_export(g.support, tenant.id, _in_one_line(taken), address=request.remote_addr or "")
    return response


def _file_name(response: Response) -> str:
    options = parse_options_header(response.headers.get("Content-Disposition", ""))[1]
    return options.get("filename") or request.path.rpartition("/")[2]


def _in_one_line(taken: Exported) -> str:
    rows = "" if taken.rows is None else f"，{taken.rows} 行"
    return f"{taken.list}{'（' + taken.filter + '）' if taken.filter else ''}{rows}"


@blueprint.get("/log")
@requires(Permission.VIEW_AUDIT)
def index() -> ResponseReturnValue:
    """操作日志."""
    parts = words.reader()
    return tables.respond(_table(parts), "trail/index.html", parts=parts, title=words.title, address=address)
