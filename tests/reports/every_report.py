"""Everything that the reports say, to be held against itself without the night's sums, and against the ledger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.dashboard import points
from app.dashboard.queries import last_days, last_periods
from app.db import db
from app.ledger.models import LedgerEntry, Posting
from app.reports import customers, queries
from app.reports.books import Moved, against_ledger, books, moved, moved_by_book
from app.reports.monthly import monthly_report
from app.reports.plant_summary import plant_summary
from app.reports.reading_statistics import by_reader
from app.reports.service import forget_summaries


def everything(since: date, until: date, period: str) -> dict[str, Any]:
    """By report, what it says of the days, of the 账期, or of its year."""
    ids = [book.route_id for book in books()]
    days: dict[str, Any] = {"since": since, "until": until}
    month = monthly_report(period)
    found = {
        "综合统计": moved_by_book(**days, route_ids=ids),
        "综合统计 合计": moved(**days, route_ids=None),
        "综合统计 一册": moved(**days, route_ids=ids[:1]),
        "综合统计 现金": moved(**days, route_ids=ids, method="cash"),
        "每天": queries.grouped(("day", "method"), **days),
        "总账": queries.posted(**days),
        "总账 一册": queries.posted(**days, route_ids=ids[-1:]),
        "月报": (month.lines, month.total, month.ledger, month.checks),
        "首页": (plant_summary(period), last_days(until), last_periods(period), points.of_period(period)),
        "抄表统计": by_reader(period),
    }
    for name, span in (("全年", (f"{period[:4]}-01", f"{period[:4]}-12")), ("一月", (period, period))):
        of = customers.joined(*span)
        found[f"用户统计 {name}"] = customers.grouped(of, of.source)
    return found


def ledger(since: date, until: date) -> dict[str, Decimal]:
    """The accounts' movements on the days, by the postings themselves."""
    query = (
        select(Posting.account, func.sum(Posting.amount))
        .join(LedgerEntry, LedgerEntry.id == Posting.entry_id)
        .where(LedgerEntry.business_date.between(since, until))
        .group_by(Posting.account)
    )
    return {account: amount for account, amount in db.session.execute(query)}


def assert_right(since: date, until: date, period: str) -> None:
    """With the night's sums, without them and by the ledger: the same."""
    found = everything(since, until, period)
    ids = [book.route_id for book in books()]
    try:
        assert found["总账"] == ledger(since, until)
        for route_ids in (None, *([one] for one in ids)):
            total = Moved() if route_ids else found["综合统计 合计"]
            total = moved(since=since, until=until, route_ids=route_ids) if route_ids else total
            checks = against_ledger(total, since=since, until=until, route_ids=route_ids)
            assert [check for check in checks if not check.agrees] == []
        assert [check for check in found["月报"][3] if not check.agrees] == []
        assert {one.name: one.after for one in found["月报"][2] if one.after} == _balances(period)
        forget_summaries()
        again = everything(since, until, period)
        for name, said in found.items():
            assert said == again[name], name
    finally:
        db.session.rollback()


def _balances(period: str) -> dict[str, Decimal]:
    from app import periods
    from app.ledger.rules import account_name

    found = ledger(date(2000, 1, 1), periods.last_day(period))
    return {account_name(name): amount for name, amount in found.items() if amount}
