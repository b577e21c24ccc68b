"""昨夜: what the night did, for the bell at the top and the sentence on the home page."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from app import clock
from app.money import fmt_yuan
from tenants import context, jobs

LIFETIME = 30.0  # seconds that the bell's words are kept, so that pages do not ask the registry each time

_notes: dict[int, tuple[float, str]] = {}


class Night(NamedTuple):
    """`short` fits the bell, `full` says what was billed and deducted; `failed`: somebody must look."""

    short: str = ""
    full: str = ""
    failed: bool = False


def last_night() -> Night:
    """What the plant's latest night did, in words; nothing where there has been none."""
    found = jobs.last_night(context.current())
    if not found:
        return Night()
    when = _when(found[0].business_date, clock.today())
    if any(job.state == "failed" for job in found):
        words = next((job.error for job in found if job.state == "failed" and job.error), "")
        # Our own sentences say what to do; what broke otherwise is nothing for the plant to read.
        reason = words if words.endswith("。") else "请联系平台运营人员。"
        return Night(f"{when}出账没有完成", f"{when}出账没有完成：{reason}", failed=True)
    if any(job.state != "done" for job in found):
        return Night(f"{when}出账进行中", f"{when}出账还在进行")
    results = {job.kind: job.result or {} for job in found}
    bills, deducted = results.get("bills", {}), results.get("auto_deduct", {})
    done = [f"出账 {bills['bills']:,} 户 {fmt_yuan(bills['amount'])}"] if bills.get("bills") else []
    if Decimal(deducted.get("amount", "0")):
        done.append(f"自动扣费 {fmt_yuan(deducted['amount'])}")
    short = f"{when}出账完成" if bills else f"{when}任务完成"
    return Night(short, f"{when}{'，'.join(done)}" if done else short)


def _when(day: date, today: date) -> str:
    """The night is named after the day that it began to be."""
    return "昨夜" if day == today else f"{day.month}月{day.day}日"


def night_note() -> str:
    """The bell's words, at most half a minute old."""
    plant = context.current_or_none()
    if plant is None:
        return ""
    kept = _notes.get(plant.id)
    if kept and time.monotonic() - kept[0] < LIFETIME:
        return kept[1]
    if len(_notes) > 5000:
        _notes.clear()
    _notes[plant.id] = (time.monotonic(), last_night().short)
    return _notes[plant.id][1]
