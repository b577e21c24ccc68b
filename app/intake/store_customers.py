"""Storing checked customers: a handful of statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from app import clock
from app.areas.service import ensure_routes
from app.customers import queries as customers
from app.metering import queries as metering
from app.payments.opening import post_opening_balances
from app.pinyin import initials
from app.staging import copy_rows
from app.tariffs import queries as tariffs
from app.web.imports import Rows

CUSTOMER = (
    "customer_no", "holder", "holder_initials", "phone", "id_card", "address", "route_id", "route_seq", "people",
    "use_category_id", "charged_by_meter", "auto_deduct", "quota_id", "quota_units", "area", "state", "opened_on", "note",
    "credit_balance",
)  # fmt: skip
METER = (
    "meter_no", "bore", "meter_type", "maker", "installed_on", "dial_modulus", "initial_reading", "state", "note",
)  # fmt: skip
BINDING = ("meter_id", "customer_id", "use_category_id", "bound_on", "start_reading", "carried_volume")


def dial_modulus(dial: Decimal) -> Decimal:
    """Where the dial starts again: 99999 → 100000. Some write the modulus itself (100000): it stays."""
    return dial if dial > 1 and dial == Decimal(10) ** dial.adjusted() else dial + 1


def store(rows: Rows, good: list[int], options: Mapping[str, Any], by_id: int | None) -> dict[str, int]:
    """Areas, customers, meters, bindings and opening balances of the rows at these indexes."""
    category = {name: key for key, name in tariffs.categories().items()}
    routes = ensure_routes((rows["district"][i], rows["route"][i]) for i in good)
    _store_customers(rows, good, routes, category, options["since"])
    ids = customers.ids_by_no([rows["customer_no"][i] for i in good])
    bound = _store_meters(rows, good)
    _bind(rows, bound, ids, category, options["since"])
    balances = [(ids[rows["customer_no"][i]], rows["balance"][i]) for i in good if rows["balance"][i] > 0]
    post_opening_balances(balances, on=clock.today(), by_id=by_id)
    return {
        "customers": len(good),
        "meters": len(bound),
        "unmetered": len(good) - len(bound),
        "routes": len(routes),
        "opening_balances": len(balances),
    }


def _store_customers(
    rows: Rows,
    good: list[int],
    routes: Mapping[tuple[str, str], int],
    category: Mapping[str, int],
    since: date,
) -> None:
    fields = [
        rows[name]
        for name in (
            "customer_no", "holder", "phone", "id_card", "address", "district", "route", "route_seq", "people",
            "use_category", "charged_by_meter", "auto_deduct", "quota", "quota_units", "area", "installed_on", "note",
        )
    ]  # fmt: skip
    zero = Decimal(0)
    quotas = tariffs.quota_ids()

    def made() -> Any:
        for i in good:
            (no, holder, phone, id_card, address, district, route, seq, people,
             use_category, metered, deduct, quota, units, area, installed_on, note) = [field[i] for field in fields]  # fmt: skip
            yield (
                no, holder, initials(holder), phone, id_card, address, routes[district, route], seq, people,
                category[use_category], metered, deduct, quotas.get(quota), units, area, "active",
                installed_on or since, note, zero,
            )  # fmt: skip

    copy_rows("customer", CUSTOMER, made())


def _store_meters(rows: Rows, good: list[int]) -> dict[int, int]:
    """Row index → meter id of the rows that have a meter; those not in store yet are made."""
    metered = [i for i in good if rows["meter_no"][i] is not None]
    numbers = [rows["meter_no"][i] for i in metered]
    in_store = metering.whereabouts(numbers)
    copy_rows(
        "meter",
        METER,
        (
            (
                rows["meter_no"][i], rows["bore"][i], rows["meter_type"][i], rows["maker"][i],
                rows["installed_on"][i], dial_modulus(rows["dial"][i]), rows["start"][i],
                "in_use", "",
            )
            for i in metered
            if rows["meter_no"][i] not in in_store
        ),
    )  # fmt: skip
    ids = metering.ids_by_no(numbers)
    return {i: ids[rows["meter_no"][i]] for i in metered}


def _bind(
    rows: Rows, bound: Mapping[int, int], ids: Mapping[str, int], category: Mapping[str, int], since: date
) -> None:
    zero = Decimal(0)
    copy_rows(
        "meter_binding",
        BINDING,
        (
            (
                meter_id, ids[rows["customer_no"][i]], category[rows["use_category"][i]],
                rows["installed_on"][i] or since, rows["start"][i], zero,
            )
            for i, meter_id in bound.items()
        ),
    )  # fmt: skip
