"""The words of the log: what its things, actions and fields are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

NOUNS = {
    "customer": "用户", "meter": "水表", "meter_binding": "水表性质", "reading": "读数", "route": "区册", "district": "区",
    "tariff": "收费标准", "tariff_version": "收费标准的版本", "quota": "定额", "staff_user": "员工", "setting": "参数设置",
    "billing_run": "开账", "bill": "水费单", "payment": "缴费", "day_close": "日结", "list": "表格", "support": "运营查看",
    "night": "夜间任务", "role": "岗位权限",
}  # fmt: skip
VERBS = {"created": "新增", "changed": "修改", "deleted": "删除", "imported": "导入", "exported": "导出"}
# What is no verb with its thing, or is called otherwise by everybody.
DONE = {
    ("meter", "bound"): "绑定水表", ("meter", "unbound"): "解绑水表", ("meter", "replaced"): "换表",
    ("meter", "stopped"): "停表", ("meter", "resumed"): "恢复用水", ("meter", "retired"): "停用水表",
    ("meter", "reinstated"): "启用水表", ("meter_binding", "changed"): "变更水表性质",
    ("customer", "imported"): "导入用户档案", ("customer", "notified"): "打印催缴通知单",
    ("reading", "imported"): "导入抄表数据", ("reading", "recorded"): "录入读数", ("reading", "reviewed"): "复核读数",
    ("payment", "received"): "收费", ("payment", "topped_up"): "充值", ("payment", "refunded"): "退款",
    ("payment", "waived"): "减免", ("payment", "reversed"): "冲红", ("payment", "credited"): "退补水量转预存",
    ("payment", "deducted"): "自动扣费", ("payment", "printed"): "打印收据",
    ("bill", "adjusted"): "退补水量", ("bill", "reversed"): "撤销水费单",
    ("billing_run", "issued"): "开账", ("billing_run", "reversed"): "撤销开账", ("day_close", "closed"): "日结",
    ("night", "changed"): "重试夜间任务", ("list", "exported"): "导出",
    ("support", "support_began"): "运营人员开始查看", ("support", "support_ended"): "运营人员结束查看",
}  # fmt: skip
# A change of one field that has a name of its own: (entity, field) → what its new value makes of it.
TURNS: dict[tuple[str, str], Mapping[object, str]] = {
    ("customer", "state"): {"closed": "用户销户", "active": "恢复用户"},
    ("staff_user", "active"): {True: "启用员工", False: "停用员工"},
    ("staff_user", "locked"): {False: "解锁员工"},
    ("staff_user", "second_step"): {True: "开启两步登录", False: "关闭两步登录"},
    ("route", "reader_id"): {None: "收回抄表范围"},
    ("tariff", "is_default"): {True: "设为默认收费标准", False: "不再是默认收费标准"},
}
PASSWORDS = {"reset": "重置密码", "changed": "修改密码"}

# What the page offers to choose from: its word, and the things that it means.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "customer": ("用户", ("customer",)),
    "meter": ("水表", ("meter", "meter_binding")),
    "reading": ("抄表", ("reading",)),
    "bill": ("开账和水费单", ("bill", "billing_run")),
    "payment": ("缴费和日结", ("payment", "day_close")),
    "tariff": ("收费标准和定额", ("tariff", "tariff_version", "quota")),
    "route": ("区册", ("route", "district")),
    "staff": ("员工和权限", ("staff_user", "role")),
    "setting": ("参数和夜间任务", ("setting", "night")),
    "list": ("导出", ("list",)),
    "support": ("运营查看", ("support",)),
}

FIELDS = {
    "customer_no": "户号", "holder": "户名", "phone": "电话", "id_card": "身份证", "address": "地址", "route_id": "区册",
    "route_seq": "册内序号", "people": "人口", "use_category_id": "水表性质", "charged_by_meter": "是否抄表水费",
    "auto_deduct": "自动扣费", "quota_id": "定额", "quota_units": "定额数量", "area": "面积", "state": "状态",
    "opened_on": "开户日期", "closed_on": "销户日期", "note": "备注",
    "meter_no": "表号", "bore": "口径", "meter_type": "水表类型", "maker": "厂家", "installed_on": "安装日期",
    "dial_modulus": "量程（满圈）", "initial_reading": "底数", "master_meter_id": "总表", "start_reading": "起码",
    "end_reading": "止码", "closing_reading": "旧表止码", "new_meter_no": "新表号", "carried_volume": "旧表未计水量",
    "on": "日期", "until": "停到", "mix": "混合用水", "effective_from": "生效日期",
    "reading": "读数", "kind": "抄表状态", "read_on": "抄表日期", "volume": "用水量", "review": "复核", "held_for": "待复核原因",
    "decision": "复核结果", "reason": "原因",
    "method": "方式", "tendered": "收到", "received": "实收", "waived": "减免", "settled": "销账", "late_fee": "违约金",
    "credit_delta": "预存变动", "amount": "金额", "approved_by_id": "批准人", "receipt": "收据号", "copy": "第几次",
    "due": "欠费", "customers": "户数", "bills": "张数", "period": "账期",
    "day": "日期", "cashier_id": "收费员", "counted_cash": "现金（应有 → 实点）", "counted_wechat": "微信（应有 → 实点）",
    "counted_alipay": "支付宝（应有 → 实点）", "counted_bank": "银行转账（应有 → 实点）",
    "name": "名称", "district_id": "区", "reader_id": "抄表员", "code": "编码", "unit": "单位", "value": "定额值",
    "cycle": "周期", "document": "收费内容", "documents": "收费内容", "is_default": "默认", "applies_to": "收费方式",
    "username": "用户名", "mobile": "手机号", "role": "岗位", "active": "在用", "locked": "锁定", "second_step": "两步登录",
    "must_change_password": "首次登录改密码",
    "filename": "文件", "meters": "水表", "unmetered": "不抄表", "routes": "区册数", "opening_balances": "期初预存户数",
    "readings": "有止码", "unread": "未抄", "held": "待复核", "estimated": "估抄", "quotas": "定额",
    "filter": "筛选", "rows": "行数", "file": "文件", "retried": "日期", "operator": "运营人员", "at": "时间",
    "deduct_policy": "自动扣费余额不够时", "payment_order": "交一部分时先抵", "split_by": "月中调价时",
    "estimate_from": "估抄按前几次平均", "high_volume": "没有历史的户，超过多少吨要复核",
    "high_factor": "有历史的户，超过平均几倍要复核", "receipt_paper": "收据纸", "pay_at": "缴费地点", "bill_day": "账单日",
    "deduct_day": "自动扣费日",
}  # fmt: skip
OF_PERSON = {"name": "姓名"}  # of staff: what a name is called there
MONEY = {
    "tendered", "received", "waived", "settled", "late_fee", "credit_delta", "amount", "due",
    "counted_cash", "counted_wechat", "counted_alipay", "counted_bank",
}  # fmt: skip
# By field: what its values are called.
VALUES: dict[str, Mapping[str, str]] = {
    "state": {"active": "正常", "closed": "销户", "in_use": "在用", "stopped": "停表", "retired": "停用"},
    "kind": {"actual": "实抄", "estimated": "估抄", "unread": "未抄"},
    "review": {"accepted": "已通过", "held": "待复核", "returned": "退回重抄"},
    "held_for": {"backwards": "止码倒走", "high": "用量偏高", "closing": "拆表止码"},
    "decision": {
        "accept": "通过", "correct": "更正", "estimate": "估抄", "return": "退回重抄", "true_up": "估抄多计，按实抄退回",
    },
    "method": {
        "cash": "现金", "wechat": "微信", "alipay": "支付宝", "bank": "银行转账", "prepaid": "预存抵扣", "none": "—",
        "opening": "期初",
    },
    "applies_to": {"metered": "抄表", "unmetered": "不抄表"},
    "deduct_policy": {"take_what_is_there": "有多少扣多少", "only_in_full": "够一整张账单才扣"},
    "payment_order": {"late_fee_first": "先抵违约金", "principal_first": "先抵水费"},
    "split_by": {"reading_date": "按抄表日那天的价", "days": "按天数分开算"},
    "receipt_paper": {"a5": "A5 纸", "roll": "80 毫米卷纸"},
    "deduct_day": {"0": "每晚"},
}  # fmt: skip
HIDDEN = {"list", "binding_id", "reversal_id", "by_id", "password", "tariff_id"}


def is_change(value: object) -> bool:
    """Whether a logged value is [old, new]."""
    return isinstance(value, list) and len(value) == 2


def done(entity: str, action: str, changes: Mapping[str, Any]) -> str:
    """What was done, as everybody calls it: 修改用户, 停表, 重置密码."""
    password = changes.get("password")
    if password in PASSWORDS:
        return PASSWORDS[password]
    for field, value in changes.items():
        turned = TURNS.get((entity, field))
        if action == "changed" and turned and is_change(value):
            return turned.get(value[1]) or ("分配抄表范围" if field == "reader_id" else f"修改{NOUNS[entity]}")
    return DONE.get((entity, action)) or f"{VERBS.get(action, '处理')}{NOUNS.get(entity, '其他')}"


_PLACES = {field: place for place, field in enumerate(FIELDS)}


def place(field: str) -> int:
    """Where a field stands in its line: in the order of the list above, as JSONB keeps none."""
    return _PLACES.get(field, len(_PLACES))


def label(entity: str, field: str) -> str | None:
    """What a field is called; None for one that is not shown."""
    if field in HIDDEN:
        return None
    return (OF_PERSON.get(field) if entity == "staff_user" else None) or FIELDS.get(field)


def said(field: str, value: object) -> str:
    """A value in words, as far as that needs no look at what is stored."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None or value == "":
        return "无"
    text = str(value)
    if field in VALUES:
        return VALUES[field].get(text, text)
    if field in MONEY:
        return _money(text)
    if field == "period":
        return f"{text[:4]}年{int(text[5:])}月" if text[5:].isdecimal() else text
    return plain_number(text)


def plain_number(text: str) -> str:
    """'12' for '12.000'; anything else as it is."""
    whole, dot, rest = text.partition(".")
    return (f"{whole}.{rest.rstrip('0')}".rstrip(".")) if dot and whole.isdigit() and rest.isdigit() else text


def _money(text: str) -> str:
    try:
        return f"¥{Decimal(text):,.2f}"
    except InvalidOperation:
        return text


def is_day(text: str) -> bool:
    """Whether it is written as a day: 2026-10-05."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
