"""Lines of the log with what they are about: what it is called, where it is shown, and how it is found."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, func, or_, select
from sqlalchemy.sql.selectable import ScalarSelect

from app.areas import queries as areas
from app.areas.models import District, Route
from app.audit import AuditEntry
from app.billing.models import Bill, BillingRun
from app.customers.models import Customer
from app.metering.models import Meter, MeterBinding
from app.payments.models import Payment
from app.personal import sees_personal
from app.readings.models import Reading
from app.staff.models import StaffUser
from app.tariffs.models import Quota, Tariff, TariffVersion

RECEIPT = re.compile(r"(\d{4})-(\d{1,9})")
_KEY = AuditEntry.entity_id
_NUMBER_SAID = ("customer_no", "meter_no", "name", "code")  # of what is deleted: the line itself keeps it


def _of(value: Any, key: Any, *joins: tuple[Any, Any]) -> ScalarSelect[Any]:
    query = select(value)
    for table, condition in joins:
        query = query.join(table, condition)
    return query.where(key == _KEY).correlate(AuditEntry).scalar_subquery()


def _customer_of(model: Any) -> tuple[Any, Any]:
    return (Customer, Customer.id == model.customer_id)


def record() -> ColumnElement[Any]:
    """What the thing is called: 户号, 表号, 收据号, a name. Worked out for the rows of a page only."""
    receipt = Customer.customer_no + func.coalesce(
        " 收据 " + cast(Payment.receipt_year, Text) + "-" + func.lpad(cast(Payment.receipt_no, Text), 6, "0"), ""
    )
    names = {
        "customer": _of(Customer.customer_no + " " + Customer.holder, Customer.id),
        "meter": _of(Meter.meter_no, Meter.id),
        "meter_binding": _of(Meter.meter_no, MeterBinding.id, (MeterBinding, MeterBinding.meter_id == Meter.id)),
        "reading": _of(Customer.customer_no + " " + Reading.period, Reading.id, (Reading, _customer_of(Reading)[1])),
        "payment": _of(receipt, Payment.id, (Payment, _customer_of(Payment)[1])),
        "bill": _of(Customer.customer_no + " " + Bill.period, Bill.id, (Bill, _customer_of(Bill)[1])),
        "billing_run": _of(BillingRun.period, BillingRun.id),
        "route": _of(areas.route_name(), Route.id, (District, District.id == Route.district_id)),
        "district": _of(District.name, District.id),
        "staff_user": _of(StaffUser.name, StaffUser.id),
        "tariff": _of(Tariff.name, Tariff.id),
        "tariff_version": _of(Tariff.name, TariffVersion.id, (TariffVersion, TariffVersion.tariff_id == Tariff.id)),
        "quota": _of(Quota.name, Quota.id),
    }
    kept = [AuditEntry.changes[name].astext for name in _NUMBER_SAID]
    gone = case((AuditEntry.action == "deleted", func.coalesce(*kept)))
    found = case(*((AuditEntry.entity == entity, name) for entity, name in names.items()))
    return func.coalesce(found, gone)


def customer_id() -> ColumnElement[Any]:
    """The customer whose page shows the thing, of a reading or a bill."""
    return case(
        (AuditEntry.entity == "reading", _of(Reading.customer_id, Reading.id)),
        (AuditEntry.entity == "bill", _of(Bill.customer_id, Bill.id)),
    )


def is_there() -> ColumnElement[Any]:
    """Whether the thing still has a page: what can be deleted, and is."""
    keys: dict[str, Any] = {"meter": Meter.id, "customer": Customer.id, "tariff": Tariff.id}
    return case(*((AuditEntry.entity == name, _of(key, key).is_not(None)) for name, key in keys.items()))


def _about(entity: str, ids: Any) -> ColumnElement[bool]:
    return and_(AuditEntry.entity == entity, _KEY.in_(ids))


def about_customers(found: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Lines about customers, and about what was read, billed and paid of theirs."""
    people = select(Customer.id).where(found)
    bindings = select(MeterBinding.id).where(MeterBinding.customer_id.in_(people))
    return [
        _about("customer", people),
        _about("meter_binding", bindings),
        _about("meter", select(MeterBinding.meter_id).where(MeterBinding.customer_id.in_(people))),
        _about("reading", select(Reading.id).where(Reading.binding_id.in_(bindings))),
        _about("payment", select(Payment.id).where(Payment.customer_id.in_(people))),
        _about("bill", select(Bill.id).where(Bill.customer_id.in_(people))),
    ]


def _saying(text: str) -> list[ColumnElement[bool]]:
    """Lines that keep the words; no digits for those whom telephones are masked for, or they could be guessed."""
    if not sees_personal() and any(character.isdigit() for character in text):
        return []
    return [cast(AuditEntry.changes, Text).icontains(text, autoescape=True)]


def matches(text: str) -> ColumnElement[bool]:
    """Who did it or from where, 户号, 户名, 表号, 收据号, or any words that the line itself keeps."""
    receipt = RECEIPT.fullmatch(text)
    if receipt:
        of = (Payment.receipt_year == int(receipt[1]), Payment.receipt_no == int(receipt[2]))
        return _about("payment", select(Payment.id).where(*of))
    meters = select(Meter.id).where(Meter.meter_no == text)
    bound = select(MeterBinding.id).where(MeterBinding.meter_id.in_(meters))
    return or_(
        AuditEntry.by_name.icontains(text, autoescape=True),
        AuditEntry.address == text,
        *_saying(text),
        *about_customers(or_(Customer.customer_no == text, Customer.holder == text)),
        _about("meter", meters),
        _about("meter_binding", bound),
        _about("staff_user", select(StaffUser.id).where(or_(StaffUser.name == text, StaffUser.username == text))),
    )
