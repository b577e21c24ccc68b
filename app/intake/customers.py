"""用户档案 on its way in: the register of a town's works, and the village's 水费登记册, which knows much less."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.customers import queries as customers
from app.intake import options as ask
from app.intake.store_customers import store
from app.metering import queries as metering
from app.permissions import Permission
from app.tariffs import queries as tariffs
from app.web.imports import Column, Importer, Option, Rows, Sheet, cells
from tenants import context

DIAL = Decimal(99999)  # 量程 of a five-digit dial, which most are
SINCE = "2000-01-01"  # for people who had water long before they were registered here

COLUMNS = (
    Column("customer_no", "户号", cells.code(), ("用户号", "用户编号", "户号编码"), filled=True, unique=True,
           example="17000001", hint="用户的编号，不能重复。没有这一列时按序号自动编号。"),
    Column("holder", "户名", cells.text(longest=60), ("户主姓名", "户主", "姓名", "用户姓名", "用户名称", "客户名称"),
           needed=True, filled=True, example="吴进兰", hint="户主姓名或单位名称。"),
    Column("phone", "联系电话", cells.phone(), ("电话", "手机", "手机号", "手机号码", "移动电话", "电话号码"),
           example="13800008313", hint="11 位手机号，或带区号的固定电话。可以不填。"),
    Column("address", "用水地址", cells.text(longest=120), ("地址", "住址", "家庭住址", "装表地址"),
           example="东街55号", hint="可以不填。"),
    Column("district", "区", cells.text(longest=40), ("区名", "所属区域", "片区"), filled=True, example="东街",
           hint="没有的区会自动新增。没有这一列时在上传页面填写。"),
    Column("route", "册", cells.text(longest=40), ("册名", "表册", "表册名", "册本号"), filled=True,
           example="东街一册", hint="没有的册会自动新增。没有这一列时在上传页面填写。"),
    Column("route_seq", "册内序号", cells.whole(most=10**6), ("序号", "抄表顺序", "编号"), example=1,
           hint="抄表员走的顺序。不填时按行的先后。"),
    Column("people", "人口", cells.whole(most=9999), ("人口数", "家庭人口", "用水人口", "人数"), example=4,
           hint="按人口收费或加量的标准要用。不填时用上传页面的每户人口。"),
    Column("use_category", "水表性质", cells.text(longest=40), ("用水性质", "用水类型", "用水类别"), filled=True,
           example="居民生活用水", hint="要与收费标准里的水表性质一致。没有这一列时在上传页面选择。"),
    Column("charged_by_meter", "是否抄表水费", cells.yes_no(), ("是否抄表",), example="是",
           hint="是：按水表收费。否：没有水表，按户或按人收费。"),
    Column("auto_deduct", "自动扣费", cells.yes_no(), ("是否自动扣费",), example="否",
           hint="是：出账后从预存余额自动扣。不填为否。"),
    Column("id_card", "身份证", cells.code(longest=18), ("身份证号", "身份证号码", "证件号码"), hint="可以不填。"),
    Column("meter_no", "表号", cells.code(), ("水表编号", "水表号", "表身号", "钢印号"), unique=True,
           example="SQ170000001", hint="水表上的编号，不能重复。不填为不抄表用户。"),
    Column("bore", "口径", cells.bore(), ("水表口径",), example="DN20"),
    Column("meter_type", "水表类型", cells.text(longest=40), ("表型", "水表型号"), example="机械表"),
    Column("maker", "厂家", cells.text(longest=60), ("生产厂家", "水表厂家")),
    Column("installed_on", "安装日期", cells.day(), ("装表日期", "安装时间"), example="2020-05-05",
           hint="写成 2020-05-05、2020/5/5 或 2020年5月5日都可以。"),
    Column("dial", "量程", cells.number(3, least=1), ("最大读数",), example=99999,
           hint="表盘最大读数，五位表为 99999。不填按 99999。"),
    Column("start", "底数", cells.number(3, least=0), ("起码", "初始读数", "起始读数", "当前读数"), example=0,
           hint="开始计费时表上的读数。不填为 0。"),
    Column("balance", "预存余额", cells.number(2, least=0), ("余额", "预存", "预存款"), example=0,
           hint="转入的预存款，元。不填为 0。"),
    Column("quota", "定额编号", cells.code(), ("定额",), hint="可以不填；要先导入用水定额，如 D001。"),
    Column("quota_units", "定额数量", cells.number(2, least=0), ("定额单位数",),
           hint="几人、几床、几亩，乘以定额值就是定额水量。"),
    Column("area", "面积", cells.number(2, least=0), hint="按面积收费时用，平方米或亩。"),
    Column("note", "备注", cells.text(longest=300, keep_spaces=True)),
)  # fmt: skip


def suggest(sheet: Sheet) -> Mapping[str, str]:
    """The village, where the sheet names it above its headings."""
    return {"district": ask.village(sheet)}


def complete(rows: Rows, options: Mapping[str, Any]) -> None:
    """What the layout lacks comes from the form; a row without 表号 is charged without a meter."""
    for field in ("district", "route", "use_category"):
        if not rows.has(field):
            rows.values[field] = [options[field]] * len(rows)
    _number(rows, options["prefix"])
    for field, value in (
        ("people", options["people"]), ("charged_by_meter", True), ("auto_deduct", False), ("dial", DIAL),
        ("start", Decimal(0)), ("balance", Decimal(0)), ("phone", ""), ("address", ""), ("id_card", ""),
        ("bore", ""), ("quota_units", Decimal(0)), ("area", Decimal(0)), ("meter_type", ""), ("maker", ""), ("note", ""),
    ):  # fmt: skip
        rows.fill(field, value)
    charged, meters = rows["charged_by_meter"], rows["meter_no"]
    for index, meter_no in enumerate(meters):
        if charged[index] and meter_no is None:
            charged[index] = False
            rows.tidy(index, "meter_no", "无表户：按不抄表水费导入")
        elif not charged[index] and meter_no is not None:
            meters[index] = None
            rows.tidy(index, "meter_no", "不抄表水费：表号没有导入")


def _number(rows: Rows, prefix: str) -> None:
    """Without 户号 the 序号 becomes one: 0001. Without 序号 the order of the rows counts."""
    sequence = rows["route_seq"]
    if not rows.has("route_seq"):
        sequence[:] = range(1, len(rows) + 1)
    if not rows.has("customer_no"):
        width = max(4, len(str(max((n for n in sequence if n is not None), default=0))))
        for index, n in enumerate(sequence):
            if n is None and index not in rows.wrong:
                rows.refuse(index, "route_seq", "缺失，请补填")
        rows.values["customer_no"] = [None if n is None else f"{prefix}{n:0{width}d}" for n in sequence]
        if rows.has("route_seq"):
            rows.labels["customer_no"] = rows.labels["route_seq"]
    rows.fill("route_seq", 0)


def check(rows: Rows, options: Mapping[str, Any]) -> None:
    """Against the plant: categories, customers and meters that are there already; the dial's range."""
    _check_categories(rows)
    _check_quotas(rows)
    _check_dials(rows)
    _check_customers(rows)
    _check_meters(rows)


def _check_categories(rows: Rows) -> None:
    known = set(tariffs.categories().values())
    for index, name in enumerate(rows["use_category"]):
        if name is not None and name not in known:
            rows.refuse(index, "use_category", f"「{name}」不存在，现有：{'、'.join(sorted(known))}")


def _check_quotas(rows: Rows) -> None:
    known = tariffs.quota_ids() if any(rows["quota"]) else {}
    for index, code in enumerate(rows["quota"]):
        if code is not None and code not in known:
            rows.refuse(index, "quota", f"定额编号「{code}」不存在，请先导入用水定额")


def _check_dials(rows: Rows) -> None:
    for index, (start, dial) in enumerate(zip(rows["start"], rows["dial"], strict=True)):
        if start > dial:
            rows.refuse(index, "start", f"{start:f} 超过量程 {dial:f}，请核对")


def _check_customers(rows: Rows) -> None:
    """A 户号 of the same 户名 is there already; of another one it is a mistake."""
    holders = customers.holders_by_no([no for no in rows["customer_no"] if no is not None])
    if not holders:
        return
    for index, (no, holder) in enumerate(zip(rows["customer_no"], rows["holder"], strict=True)):
        known = holders.get(no)
        if known is None or index in rows.wrong:
            continue
        if known == holder:
            rows.skip(index, "customer_no", f"户号「{no}」已存在，未改动")
        else:
            made = rows.labels.get("customer_no") == rows.labels.get("route_seq")
            advice = "请填写户号前缀" if made else "请核对"
            rows.refuse(index, "customer_no", f"户号「{no}」已由「{known}」使用，{advice}")


def _check_meters(rows: Rows) -> None:
    """A meter that hangs at somebody's is refused; one in store is taken as it is there."""
    known = metering.whereabouts([no for no in rows["meter_no"] if no is not None])
    if not known:
        return
    for index in list(rows.good()):
        meter = known.get(rows["meter_no"][index])
        if meter is None:
            continue
        if meter.customer_no is not None:
            rows.refuse(index, "meter_no", f"表号重复：已绑定给户号「{meter.customer_no}」，请先解绑或核对")
        elif meter.state != "in_use":
            rows.refuse(index, "meter_no", "这块水表已停用，请先恢复或换一块")
        elif rows["start"][index] >= meter.dial_modulus:
            rows.refuse(index, "start", f"{rows['start'][index]:f} 超过量程 {meter.dial_modulus - 1:f}")


IMPORTER = Importer(
    kind="customers",
    title="用户档案",
    permission=Permission.EDIT_CUSTOMERS,
    columns=COLUMNS,
    complete=complete,
    check=check,
    store=store,
    suggest=suggest,
    options=(
        Option("use_category", "水表性质", ask.first_use_category, "表里没有「水表性质」一列时用",
               ask.use_category, ask.category_names, instead_of="use_category"),
        Option("district", "区名", lambda: context.current().name, "表里没有「区」一列时用，留空取表头上的村名",
               ask.parsed_by(cells.text(longest=40)), read_off=True, instead_of="district"),
        Option("route", "册名", lambda: "一册", "表里没有「册」一列时用", ask.parsed_by(cells.text(longest=40)),
               instead_of="route"),
        Option("people", "每户人口", lambda: "4", "表里没填人口时用", ask.parsed_by(cells.whole(most=9999))),
        Option("prefix", "户号前缀", lambda: "", "表里没有「户号」时按序号编号；已有别村用户时填前缀，如 02",
               lambda said: ask.parsed_by(cells.code(longest=10))(said) if said else "", instead_of="customer_no"),
        Option("since", "启用日期", lambda: SINCE, "表里没有安装日期时用", ask.day, instead_of="installed_on"),
    ),
)  # fmt: skip
