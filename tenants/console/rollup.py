"""汇总: all plants' households and money by county and month, from what their nights noted; no plant is asked."""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from typing import Any

from flask import render_template, request, send_file
from flask.typing import ResponseReturnValue
from openpyxl import Workbook

from tenants import rollup
from tenants.console.blueprint import blueprint
from tenants.console.doors import operators_only
from tenants.operator_log import HERE
from tenants.rollup import Sums

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
HEADINGS = ("所在县", "水厂", "户数", "账单", "水量（m³）", "应收（元）", "已收（元）", "欠费（元）")


def _range() -> tuple[str, str]:
    """First and last month: as asked, else the year until last month, whose bills the nights have made."""
    now = datetime.now(HERE)
    last = f"{now.year - (now.month == 1):04d}-{(now.month - 2) % 12 + 1:02d}"
    said = [request.args.get(key, "") for key in ("since", "until")]
    until = said[1] if MONTH.fullmatch(said[1]) else last
    since = said[0] if MONTH.fullmatch(said[0]) else f"{until[:4]}-01"
    return min(since, until), max(since, until)


def _total(rows: list[Sums]) -> Sums:
    sums: list[Any] = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
    return Sums("合计", *sums)


@blueprint.get("/rollup")
@operators_only
def by_county() -> ResponseReturnValue:
    """汇总 by county."""
    since, until = _range()
    rows = rollup.by_county(since, until)
    total = _total(rows) if rows else None
    if request.args.get("export"):
        return _workbook([*rows, *([total] if total else [])], f"水厂汇总_{since}_{until}.xlsx")
    return render_template("console/rollup.html", rows=rows, total=total, since=since, until=until, headings=HEADINGS)


def _workbook(rows: list[Sums], name: str) -> ResponseReturnValue:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("汇总")
    sheet.freeze_panes = "A2"
    sheet.append(HEADINGS)
    for row in rows:
        county = row.name or "（没有填县）"
        sheet.append([county.lstrip("=+-@"), *row[1:]])  # a county is no formula
    out = BytesIO()
    book.save(out)
    out.seek(0)
    return send_file(out, as_attachment=True, download_name=name)
