"""What is done with meters: kept, bound, stopped."""

from app.metering.service.bind import bind_meter, change_meter, change_use_category, unbind_meter
from app.metering.service.guards import locked_meter, open_binding
from app.metering.service.keep import (
    MeterFacts,
    create_meter,
    delete_meter,
    edit_meter,
    reinstate_meter,
    retire_meter,
)
from app.metering.service.stop import resume_due, resume_meter, stop_meter

__all__ = [
    "MeterFacts",
    "bind_meter",
    "change_meter",
    "change_use_category",
    "create_meter",
    "delete_meter",
    "edit_meter",
    "locked_meter",
    "open_binding",
    "reinstate_meter",
    "resume_due",
    "resume_meter",
    "retire_meter",
    "stop_meter",
    "unbind_meter",
]
