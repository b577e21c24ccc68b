"""抄表数据 on its way in: a period's readings, held against whose meter it is and what it showed before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app import clock, periods
from app.intake import options as ask
from app.metering import queries as metering
from app.payments.service.take_readings import hold_books_and_bills, store_readings
from app.permissions import Permission
from app.readings import service
from app.readings.rules import HELD_FOR
from app.readings.service import Examined, NewReading
from app.web.imports import Column, Importer, Option, Rows, Sheet, cells

STATES = {
    "实抄": "actual", "见表": "actual", "正常": "actual", "已抄": "actual",
    "估抄": "estimated", "估表": "estimated",
    "未抄": "unread", "未见表": "unread",
}  # fmt: skip

COLUMNS = (
    Column("route", "表册名", cells.text(longest=80), ("册", "册名", "表册"), example="东街东街一册", hint="只供核对。"),
    Column("route_seq", "册内序号", cells.whole(most=10**6), ("序号",), example=1, hint="只供核对。"),
    Column("customer_no", "户号", cells.code(), ("用户号", "用户编号"), filled=True, example="17000001"),
    Column("holder", "户名", cells.text(longest=60), ("户主姓名", "姓名"), example="吴进兰", hint="只供核对。"),
    Column("meter_no", "表号", cells.code(), ("水表编号", "水表号"), needed=True, filled=True, example="SQ170000001",
           hint="要与户号现在用的水表一致。"),
    Column("start", "上期止码", cells.number(3), ("起码", "上期读数", "上月表码"), example=666,
           hint="只供核对，以系统里的为准。"),
    Column("end", "本期止码", cells.number(3, least=0), ("止码", "本期读数", "本月表码"), needed=True, example=668,
           hint="未抄的留空；估抄留空时按前三期平均估算。"),
    Column("read_on", "抄表日期", cells.day(), ("抄表时间",), example="2026-10-12", hint="不填按账期最后一天。"),
    Column("kind", "抄表状态", cells.choice(STATES, shown=("实抄", "估抄", "未抄")), ("状态",), example="实抄",
           hint="实抄、估抄或未抄。不填时有止码为实抄，没有为未抄。"),
    Column("note", "备注", cells.text(longest=300, keep_spaces=True), ("抄表信息",)),
)  # fmt: skip


def suggest(sheet: Sheet) -> Mapping[str, str]:
    """The period that the file's name, the sheet's name, the title or the first 抄表日期 tells."""
    named = (ask.period_named(words) for words in (sheet.filename, sheet.title, *sheet.preamble))
    found = next((period for period in named if period), "")
    if not found and "read_on" in sheet.places:
        place = sheet.places["read_on"]
        found = next((ask.period_named(str(row[place])) for row in sheet.rows if row[place]), "")
    return {"period": found}


def complete(rows: Rows, options: Mapping[str, Any]) -> None:
    """Blank states and dates."""
    kinds, ends = rows["kind"], rows["end"]
    refused = {i for i, found in rows.wrong.items() if any(field in ("kind", "end") for field, _ in found)}
    for index, kind in enumerate(kinds):
        if kind is None:
            kinds[index] = "unread" if ends[index] is None else "actual"
        if index in refused:
            continue
        if kinds[index] == "actual" and ends[index] is None:
            rows.refuse(index, "end", "缺失，请补填，或把抄表状态改为未抄")
        if kinds[index] == "unread" and ends[index] is not None:
            rows.refuse(index, "end", "未抄不能填止码，请核对抄表状态")
    rows.fill("read_on", periods.last_day(options["period"]))
    rows.fill("note", "")
    said = Counter(kinds)
    rows.figures |= {kind: said[kind] for kind in ("actual", "estimated", "unread")}
    rows.figures |= {"rollover": 0, "backwards": 0, "high": 0}


def check(rows: Rows, options: Mapping[str, Any]) -> None:
    """Whose meter it is, one reading each, and what the reading means after the one before."""
    bound = _bound(rows)
    period = options["period"]
    indexes = list(bound)
    new = [NewReading(bound[i], rows["end"][i], rows["read_on"][i], rows["kind"][i], rows["note"][i]) for i in indexes]
    hold_books_and_bills()
    found: list[Examined | None] = [None] * len(rows)
    for index, one in zip(indexes, service.examine(new, period=period), strict=True):
        found[index] = one
        _judge(rows, index, one)
    rows.values["examined"] = found


def _bound(rows: Rows) -> dict[int, int]:
    """Row index → binding, of the rows whose 户号 and 表号 belong together now."""
    known = metering.whereabouts([no for no in rows["meter_no"] if no is not None])
    bound: dict[int, int] = {}
    first: dict[int, int] = {}
    for index in list(rows.good()):
        meter_no, customer_no = rows["meter_no"][index], rows["customer_no"][index]
        meter = known.get(meter_no)
        if meter is None:
            rows.refuse(index, "meter_no", f"表号「{meter_no}」不存在")
        elif meter.binding_id is None:
            rows.refuse(index, "meter_no", f"表号「{meter_no}」没有绑定用户")
        elif not meter.seen:
            rows.refuse(index, "meter_no", f"表号「{meter_no}」不在分给您的册里，请核对，或找站长分册")
        elif rows.has("customer_no") and meter.customer_no != customer_no:
            rows.refuse(index, "customer_no", f"户号「{customer_no}」与表号不符，这块表是户号「{meter.customer_no}」的")
        elif first.setdefault(meter.binding_id, index) != index:
            rows.refuse(index, "meter_no", f"与第 {rows.numbers[first[meter.binding_id]]} 行重复")
        else:
            bound[index] = meter.binding_id
    return bound


def _judge(rows: Rows, index: int, one: Examined) -> None:
    """Refuse, skip, or say what somebody should know."""
    standing = one.standing
    assert standing is not None  # its binding was just found
    if _known(rows, index, one):
        return
    if one.refused:
        rows.refuse(index, "end", one.refused)
        return
    said = rows["start"][index]
    if said is not None and said != standing.start:
        rows.notice(index, "start", f"系统里的上期止码是 {_plain(standing.start)}，以系统为准")
    judged = one.judgement
    if judged.rollover:
        rows.figures["rollover"] += 1
        rows.notice(index, "end", f"表盘走过一圈，用水 {_plain(judged.volume)} m³")
    if one.below_estimate:
        rows.notice(index, "end", f"比估抄的少 {_plain(one.below_estimate)} m³，多计的导入后自动退回")
    elif judged.held_for:
        rows.figures[judged.held_for] += 1
        what = f"{HELD_FOR[judged.held_for]}（{_plain(judged.volume)} m³），导入后待复核"
        rows.notice(index, "end", what)


def _known(rows: Rows, index: int, one: Examined) -> bool:
    """Skip what is recorded already, and what a person has decided since."""
    old = one.standing
    assert old is not None
    if old.reading_id is None:
        return False
    end = one.end if one.new.end_reading is None else one.new.end_reading
    same = (old.reading_end, old.reading_kind, old.reading_on) == (end, one.new.kind, one.new.read_on)
    if same and old.reading_review != "returned":
        rows.skip(index, "end", "已有相同的抄表记录")
    elif old.reviewed and old.reading_review == "accepted":
        rows.skip(index, "end", f"已人工复核为 {_plain(old.reading_end)}，保留复核的结果")
    elif one.new.kind == "unread" and old.reading_end is not None:
        rows.skip(index, "end", f"已有止码 {_plain(old.reading_end)}，不用未抄覆盖")
    return index in rows.skipped


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def store(rows: Rows, good: list[int], options: Mapping[str, Any], by_id: int | None) -> dict[str, int]:
    """Record what `check` let pass."""
    examined = [rows["examined"][i] for i in good]
    recorded = store_readings(examined, period=options["period"], by_id=by_id, each_told=False)
    return {
        "readings": recorded.readings,
        "unread": recorded.unread,
        "held": recorded.held,
        "estimated": recorded.estimated,
    }


IMPORTER = Importer(
    kind="readings",
    title="抄表数据",
    permission=Permission.ENTER_READINGS,
    columns=COLUMNS,
    complete=complete,
    check=check,
    store=store,
    suggest=suggest,
    options=(
        Option("period", "账期", lambda: periods.of(clock.today()), "如 2026-10，留空取文件名里的年月", ask.period,
               read_off=True),
    ),
    figures=(("actual", "实抄"), ("estimated", "估抄"), ("unread", "未抄"), ("rollover", "过圈"),
             ("backwards", "倒走待复核"), ("high", "偏高待复核")),
)  # fmt: skip
