"""Bills: previewed, issued, taken back, adjusted. Called set by set, posted once."""

from app.billing.oddities import OddBill, odd_bills
from app.billing.service.adjust_bill import billed_volume, issue_adjustment
from app.billing.service.issue_bills import issue_bills, preview_bills
from app.billing.service.meters import change_meter, stop_meter, unbind_meter
from app.billing.service.reverse_bills import reverse_bill, reverse_run, standing_bill
from app.billing.service.runs import RunTotals, lock_billing

__all__ = [
    "OddBill",
    "RunTotals",
    "billed_volume",
    "change_meter",
    "issue_adjustment",
    "issue_bills",
    "lock_billing",
    "odd_bills",
    "preview_bills",
    "reverse_bill",
    "reverse_run",
    "standing_bill",
    "stop_meter",
    "unbind_meter",
]
