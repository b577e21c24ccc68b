"""水费收费标准: the list (figure 5.2-1), one standard with its versions, and what is done to it at one press."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import clock
from app.db import db, transaction
from app.errors import DomainError
from app.permissions import Permission, requires
from app.tariffs import queries, service
from app.tariffs.models import Tariff, TariffVersion, UseCategory
from app.tariffs.rules import Tariff as TariffRules
from app.tariffs.rules import conditions, parse, phrases, summary, tiers_fall
from app.tariffs.views.blueprint import blueprint
from app.web import tables
from app.web.tables import Choice, Column, Table

USES = {"metered": "按表", "unmetered": "不按表"}


def _version(value: Any, *, coming: bool) -> Any:
    """What the version in force today says, or the one that comes next."""
    query = select(value).where(TariffVersion.tariff_id == Tariff.id).correlate(Tariff).limit(1)
    since = TariffVersion.effective_from
    if coming:
        return query.where(since > clock.today()).order_by(since).scalar_subquery()
    return query.where(since <= clock.today()).order_by(since.desc()).scalar_subquery()


def in_words(document: dict[str, Any] | None) -> str:
    """A document's prices in one line; '' for none."""
    return summary(parse(document)) if document else ""


def _now(row: Any) -> str:
    return in_words(row.document) or "还没有生效的版本"


def _next(row: Any) -> str:
    return f"{row.next_from} 起：{in_words(row.next_document)}" if row.next_document else ""


def standard_table() -> Table:
    """The list of figure 5.2-1."""
    categories = [(str(key), name) for key, name in queries.categories().items()]
    said = TariffVersion.document
    return Table(
        name="收费标准",
        source=select(Tariff.id).join(UseCategory),
        id=Tariff.id,
        default_sort="category",
        search=lambda words: Tariff.name.icontains(words, autoescape=True),
        search_hint="收费标准名称",
        filters=(
            Choice(
                key="category",
                label="全部水表性质",
                options=categories,
                where=lambda value: Tariff.use_category_id == int(value),
            ),
            Choice(
                key="use",
                label="收费类型不限",
                options=list(USES.items()),
                where=lambda value: Tariff.applies_to == value,
            ),
        ),
        columns=(
            Column("name", "名称", Tariff.name, kind="custom", sort=(Tariff.name,), unique=True, text=lambda row: row.name),
            Column("category", "水表性质", UseCategory.name, kind="code", sort=(Tariff.use_category_id,)),
            Column("use", "收费类型", Tariff.applies_to, kind="code", names=USES, sort=(Tariff.applies_to,)),
            Column("document", "现行价格", _version(said, coming=False), kind="custom", text=_now, width=60),
            Column("since", "生效日期", _version(TariffVersion.effective_from, coming=False), kind="day"),
            Column("next_document", "下一版本", _version(said, coming=True), kind="custom", text=_next, width=60),
            Column("default", "默认", Tariff.is_default, shown=False, names={True: "是", False: ""}),
        ),
        extra={"is_default": Tariff.is_default, "next_from": _version(TariffVersion.effective_from, coming=True)},
        cells="tariffs/_standard_cells.html",
        empty=("还没有收费标准", "点「新增」填一个，或用「导入收费标准文件」装进来。没有收费标准出不了账。"),
    )  # fmt: skip


def in_phrases(document: dict[str, Any] | None) -> Any:
    """A document's charges, one by one."""
    return phrases(parse(document)) if document else ()


@blueprint.get("/tariffs")
@requires(Permission.VIEW_BASICS)
def index() -> ResponseReturnValue:
    """水费收费标准 (figure 5.2-1)."""
    return tables.respond(standard_table(), "tariffs/index.html", in_phrases=in_phrases)


def version_or_404(version_id: int) -> TariffVersion:
    """A version with its standard."""
    return db.get_or_404(TariffVersion, version_id)


def in_force(tariff: Tariff) -> TariffVersion | None:
    """The version that counts today."""
    begun = [v for v in tariff.versions if v.effective_from <= clock.today()]
    return begun[-1] if begun else None


def _shown(version: TariffVersion, current: TariffVersion | None, billed: set[int]) -> dict[str, Any]:
    rules: TariffRules = queries.rules_of(version)
    coming = version.effective_from > clock.today()
    state = ("现行", "paid") if version is current else ("将生效", "wait") if coming else ("已过期", "plain")
    return {
        "version": version,
        "state": state,
        "billed": version.id in billed,
        "removable": coming and version.id not in billed and len(version.tariff.versions) > 1,
        "phrases": phrases(rules),
        "conditions": conditions(rules),
        "falls": tiers_fall(rules),
    }


@blueprint.get("/tariffs/<int:tariff_id>")
@requires(Permission.VIEW_BASICS)
def detail(tariff_id: int) -> ResponseReturnValue:
    """One standard: every version line by line, the youngest first."""
    tariff = db.get_or_404(Tariff, tariff_id)
    current, billed = in_force(tariff), queries.billed_versions(tariff.id)
    versions = [_shown(version, current, billed) for version in reversed(tariff.versions)]
    served = queries.served_by(tariff)
    return render_template(
        "tariffs/detail.html", tariff=tariff, versions=versions, served=served, use=USES[tariff.applies_to]
    )


@blueprint.post("/tariffs/<int:tariff_id>/deletion")
@requires(Permission.EDIT_TARIFFS)
def delete(tariff_id: int) -> ResponseReturnValue:
    """删除 (figure 5.2-5); refused while somebody is charged by it."""
    try:
        with transaction():
            service.delete_standard(db.get_or_404(Tariff, tariff_id))
        flash("删除成功", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for("tariffs.index"))


@blueprint.post("/tariffs/versions/<int:version_id>/deletion")
@requires(Permission.EDIT_TARIFFS)
def delete_version(version_id: int) -> ResponseReturnValue:
    """删除 a version that is not in force yet."""
    version = version_or_404(version_id)
    tariff_id = version.tariff_id
    try:
        with transaction():
            service.delete_version(version)
        flash("删除成功", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for("tariffs.detail", tariff_id=tariff_id))


@blueprint.post("/tariffs/<int:tariff_id>/default")
@requires(Permission.EDIT_TARIFFS)
def make_default(tariff_id: int) -> ResponseReturnValue:
    """设为默认: from the next billing on it serves its 水表性质."""
    try:
        with transaction():
            service.make_default(db.get_or_404(Tariff, tariff_id))
        flash("已设为默认，从下一次出账起用它", "success")
    except DomainError as refused:
        flash(refused.message, "error")
    return redirect(url_for("tariffs.detail", tariff_id=tariff_id))
