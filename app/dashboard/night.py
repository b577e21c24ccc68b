"""昨夜: what the night did, for the bell at the top and the sentence on the home page."""

from __future__ import annotations

import time
from datetime import date
from typing import NamedTuple

from app import clock
from tenants import context, jobs, night_log

LIFETIME = 30.0  # seconds that the bell's words are kept, so that pages do not ask the registry each time


class Night(NamedTuple):
    """`short` fits the bell, `full` says what was billed and deducted; `failed`: somebody must look."""

    short: str = ""
    full: str = ""
    failed: bool = False


_notes: dict[int, tuple[float, Night]] = {}


def ask(*, afresh: bool = False) -> None:
    """Have the plant's latest night told by the registry, if that is not half a minute ago.

    To be called before the plant's own transaction begins: a request that waits for a second connection while it holds
    one would wait for ever behind a pooler that has no more.
    """
    plant = context.current()
    kept = _notes.get(plant.id)
    if kept and not afresh and time.monotonic() - kept[0] < LIFETIME:
        return
    if len(_notes) > 5000:
        _notes.clear()
    _notes[plant.id] = (time.monotonic(), _told())


def last_night() -> Night:
    """What the plant's latest night did, as it was last asked; nothing where there has been none."""
    plant = context.current_or_none()
    kept = _notes.get(plant.id) if plant else None
    return kept[1] if kept else Night()


def _told() -> Night:
    steps = jobs.last_night(context.current())
    if not steps:
        return Night()
    found = night_log.night_of(steps)
    when, failed = when_said(found.day), found.failed
    if failed:
        return Night(f"{when}任务没有完成", f"{when}{failed.label}没有完成：{reason(failed)}", failed=True)
    if found.state != "done":
        return Night(f"{when}任务进行中", f"{when}任务还在进行")
    billed = any(step.job.kind == "bills" for step in found.steps)
    return Night(f"{when}出账完成" if billed else f"{when}任务完成", f"{when}{found.words}")


def reason(failed: night_log.Step) -> str:
    """Why a step failed, for the plant: our own sentence; what broke otherwise is nothing for it to read."""
    return failed.reason if failed.for_people else "系统出了点问题，请联系平台运营人员。"


def when_said(day: date) -> str:
    """The night is named after the day that it began to be."""
    return "昨夜" if day == clock.today() else f"{day.month}月{day.day}日"
