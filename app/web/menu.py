"""The side bar, in the manual's order; a person sees what the role may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request

from app.permissions import Permission as P
from app.permissions import can


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: its endpoint, its words, its icon (a name of icons.txt)."""

    endpoint: str
    label: str
    icon: str
    permission: P
    also: P = P.VIEW_HOME  # and this one


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with its entries."""

    label: str
    items: tuple[Item, ...]


MENU: tuple[Group, ...] = (
    Group("", (Item("dashboard.home", "首页", "home", P.VIEW_HOME),)),
    Group(
        "基础信息管理",
        (
            Item("tariffs.quotas", "定额管理", "adjustments-horizontal", P.VIEW_BASICS),
            Item("areas.index", "区册管理", "map-pins", P.VIEW_BASICS),
        ),
    ),
    Group("收费标准", (Item("tariffs.index", "水费收费标准", "receipt-2", P.VIEW_BASICS),)),
    Group("水表管理", (Item("metering.index", "水表列表管理", "gauge", P.VIEW_METERS),)),
    Group(
        "用户管理信息",
        (
            Item("customers.index", "用户档案", "users", P.VIEW_CUSTOMERS),
            Item("metering.changes", "水表性质变更", "arrows-shuffle", P.VIEW_METERS),
        ),
    ),
    Group(
        "抄表管理",
        (
            Item("areas.readers", "抄表员管理", "user-check", P.VIEW_READINGS),
            Item("areas.scope", "抄表范围", "route", P.VIEW_READINGS),
            Item("readings.index", "抄表记录", "clipboard-text", P.VIEW_READINGS),
        ),
    ),
    Group(
        "缴费管理",
        (
            Item("payments.owing", "水费线下缴费", "cash", P.CHARGE),
            Item("payments.orders", "水费缴费订单管理", "file-invoice", P.VIEW_BILLS),
            Item("payments.counter", "前台收费", "building-store", P.CHARGE),
        ),
    ),
    Group(
        "水费报表统计",
        (
            Item("reports.summary", "水费综合统计", "chart-bar", P.VIEW_REPORTS, P.VIEW_ALL_TAKINGS),
            Item("reports.readings", "抄表统计", "chart-line", P.VIEW_REPORTS),
            Item("reports.customers", "用户统计", "chart-pie", P.VIEW_REPORTS),
        ),
    ),
    Group(
        "水厂管理",
        (
            Item("billing.index", "开账", "calendar", P.VIEW_BILLS, P.VIEW_ALL_BOOKS),
            Item("payments.day_close", "日结", "lock", P.VIEW_BILLS),
            Item("dashboard.nights", "夜间任务", "history", P.ISSUE_BILLS),
            Item("staff.people", "员工管理", "user", P.MANAGE_STAFF),
            Item("trail.index", "操作日志", "eye", P.VIEW_AUDIT),
            Item("staff.policies", "参数设置", "settings", P.EDIT_SETTINGS),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as the side bar shows it."""

    endpoint: str
    label: str
    icon: str
    current: bool


def current_endpoint(active: str = "") -> str:
    """The entry that is lit: `active` where the page names it, else its own, else the first of its slice."""
    endpoints = [item.endpoint for group in MENU for item in group.items]
    wanted = active or request.endpoint or ""
    if wanted in endpoints or active:
        return wanted
    same_slice = (endpoint for endpoint in endpoints if endpoint.split(".")[0] == request.blueprint)
    return next(same_slice, "")


def visible_menu(active: str = "") -> list[tuple[str, list[Entry]]]:
    """Groups with the entries that exist and that whoever is logged in may open."""
    lit, known = current_endpoint(active), current_app.view_functions
    groups = [
        (
            group.label,
            [
                Entry(item.endpoint, item.label, item.icon, item.endpoint == lit)
                for item in group.items
                if can(item.permission, item.also) and item.endpoint in known
            ],
        )
        for group in MENU
    ]
    return [(label, items) for label, items in groups if items]
