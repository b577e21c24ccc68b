"""Recording what dials say, and deciding about what looks odd."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text

from app import audit, clock, periods
from app.db import db, lock
from app.errors import DomainError
from app.readings import queries, rules
from app.readings.models import Reading
from app.readings.queries import Standing
from app.readings.rules import Judgement, Limits, ReadingError
from app.staff import settings
from app.staging import stage

BILLING_LOCK = 71002  # held alone by a billing run; recording shares it, so that nothing changes under a run
KINDS = {"actual": "实抄", "estimated": "估抄", "unread": "未抄"}
UNREAD = Judgement(Decimal(0))

_STAGED = {
    "binding_id": "bigint", "customer_id": "bigint", "route_id": "bigint", "reader_id": "bigint", "period": "text",
    "start_reading": "numeric", "end_reading": "numeric", "volume": "numeric", "read_on": "date", "kind": "text",
    "review": "text", "held_for": "text", "note": "text", "recorded_by": "bigint", "recorded_at": "timestamptz",
}  # fmt: skip
_UPSERT = text(
    f"""
    INSERT INTO reading ({", ".join(_STAGED)}) SELECT {", ".join(_STAGED)} FROM new_reading
    ON CONFLICT (binding_id, period) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _STAGED if name not in ("binding_id", "period"))}
    """  # noqa: S608 - names of our own
)


@dataclass(frozen=True, slots=True)
class NewReading:
    """What somebody read: `end_reading` of the dial, None for 未抄 (and for 估抄: then it is estimated)."""

    binding_id: int
    end_reading: Decimal | None
    read_on: date
    kind: str = "actual"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """A new reading held against the books: judged, or refused with a sentence."""

    new: NewReading
    standing: Standing | None
    end: Decimal | None = None
    judgement: Judgement = UNREAD
    refused: str = ""

    @property
    def below_estimate(self) -> Decimal:
        """m³ that an actual reading takes back of the estimates before it."""
        if self.refused or self.standing is None or self.end is None or self.new.kind != "actual":
            return Decimal(0)
        return self.standing.below_estimate(self.end)


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many were written: with a value (held ones included), unread, held, estimated."""

    readings: int
    unread: int
    held: int
    estimated: int


def limits() -> Limits:
    """The plant's policies for what is unusual."""
    return Limits(settings.decimal("high_volume"), settings.decimal("high_factor"))


def examine(rows: Sequence[NewReading], *, period: str) -> list[Examined]:
    """Judge readings without storing them, in their order; two queries however many."""
    periods.parse(period)
    standings = queries.standings([row.binding_id for row in rows], period=period)
    policy = limits()
    return [_examined(row, standings.get(row.binding_id), period, policy) for row in rows]


def _examined(row: NewReading, standing: Standing | None, period: str, policy: Limits) -> Examined:
    refused = _refused(row, standing, period)
    if standing is None or refused:
        return Examined(row, standing, refused=refused)
    if row.kind == "unread":
        return Examined(row, standing)
    try:
        end = _estimated(standing) if row.end_reading is None else row.end_reading
        judgement = rules.judge(
            start=standing.start,
            end=end,
            modulus=standing.modulus,
            mean=rules.mean(standing.volumes),
            limits=policy,
            carried=standing.carried,
        )
    except ReadingError as error:
        return Examined(row, standing, refused=str(error))
    return Examined(row, standing, end, judgement)


def _estimated(standing: Standing) -> Decimal:
    return (standing.start + rules.estimate(standing.volumes)) % standing.modulus


def _refused(row: NewReading, standing: Standing | None, period: str) -> str:
    """Why this reading cannot be recorded at all; '' where it can."""
    if standing is None:
        return "没有这块水表，请核对。"
    if row.kind not in KINDS or (row.kind == "actual") > (row.end_reading is not None):
        return "实抄要填止码。"
    if row.kind == "unread" and row.end_reading is not None:
        return "未抄不能填止码。"
    what = f"表号「{standing.meter_no}」"
    if standing.billed:
        return f"{what}{periods.label(period)}已出账，止码不能再改；要更正请做退补水量。"
    if standing.meter_state != "in_use":
        return f"{what}已停表，不抄表；要抄表请先恢复。"
    if standing.unbound_on is not None and standing.unbound_on < row.read_on:
        return f"{what}已于 {standing.unbound_on} 解绑，请核对抄表日期。"
    if standing.later:
        return f"{what}{periods.label(standing.later)}已抄过表，不能再改{periods.label(period)}的。"
    return ""


def record_readings(rows: Sequence[NewReading], *, period: str, by_id: int | None) -> Recorded:
    """Record readings of a period, new or again before they are billed. DomainError for the first that cannot be."""
    hold_off_billing()
    examined = examine(rows, period=period)
    for one in examined:
        if one.refused:
            raise DomainError(one.refused, field="end_reading")
    return store_examined(examined, period=period, by_id=by_id)


def hold_off_billing() -> None:
    """Wait for a running bill run, and keep the next one waiting until this transaction ends."""
    lock(BILLING_LOCK, shared=True)


# The reports' sums of a month's readings. Reports come after readings: SQL, no import.
_FORGET_SUMS = text("DELETE FROM summary WHERE kind = 'reading' AND monthly AND since = :since")


def forget_sums(period: str) -> None:
    """To be called by whoever writes or changes a reading, with billing held off.

    The night has summed the readings of closed months; reports count this one's again until the next night has.
    """
    db.session.execute(_FORGET_SUMS, {"since": periods.first_day(period)})


def store_examined(examined: Sequence[Examined], *, period: str, by_id: int | None, each_told: bool = True) -> Recorded:
    """Write readings that `examine` let pass.

    The log has a line for each; where not `each_told`, as in an import, which has one for all, only for those changed.
    """
    now = clock.now()
    stage("new_reading", _STAGED, (_row(one, period, by_id, now) for one in examined))
    changes = {one.standing.reading_id: _changes(one) for one in examined if one.standing and one.standing.reading_id}
    audit.record_all("changed", "reading", {key: fields for key, fields in changes.items() if fields})
    db.session.execute(_UPSERT)
    if each_told:
        _tell_new(examined, period)
    forget_sums(period)
    values = [one for one in examined if one.new.kind != "unread"]
    return Recorded(
        readings=len(values),
        unread=len(examined) - len(values),
        held=sum(one.judgement.review == "held" for one in values),
        estimated=sum(one.new.kind == "estimated" for one in values),
    )


def _row(one: Examined, period: str, by_id: int | None, now: Any) -> tuple[Any, ...]:
    new, standing, judged = one.new, one.standing, one.judgement
    assert standing is not None, one.refused
    unread = new.kind == "unread"
    return (
        standing.binding_id, standing.customer_id, standing.route_id, standing.reader_id, period, standing.start,
        one.end, None if unread else judged.volume, new.read_on, new.kind, judged.review, judged.held_for, new.note,
        by_id, now,
    )  # fmt: skip


def _changes(one: Examined) -> dict[str, object]:
    """A reading that is written again leaves what it was: what is different."""
    old = one.standing
    assert old is not None
    was = {
        "end_reading": old.reading_end,
        "kind": old.reading_kind,
        "read_on": old.reading_on,
        "note": old.reading_note,
    }
    now = {"end_reading": one.end, "kind": one.new.kind, "read_on": one.new.read_on, "note": one.new.note}
    return {name: [was[name], now[name]] for name in was if was[name] != now[name]}


def _tell_new(examined: Sequence[Examined], period: str) -> None:
    """Lines in the log for readings that were not there before, or were the same."""
    new = {
        one.new.binding_id: one
        for one in examined
        if one.standing and (one.standing.reading_id is None or not _changes(one))
    }
    if not new:
        return
    made = select(Reading.binding_id, Reading.id).where(
        Reading.period == period, Reading.binding_id == func.any(list(new))
    )
    lines: dict[int | None, dict[str, object]] = {}
    for binding_id, reading_id in db.session.execute(made):
        one = new[binding_id]
        facts = {"end_reading": one.end, "kind": one.new.kind, "read_on": one.new.read_on, "note": one.new.note}
        lines[reading_id] = {name: value for name, value in facts.items() if value not in (None, "")}
    audit.record_all("recorded", "reading", lines)


def review_reading(
    reading: Reading, *, decision: str, by_id: int | None, end_reading: Decimal | None = None, note: str = ""
) -> None:
    """Decide about a reading that is not billed yet. `decision`:

    accept 通过: as read (one that went backwards: the dial passed zero) · correct 更正: `end_reading` instead ·
    estimate 估抄: the mean of the last three instead · return 退回重抄: read again before it counts.
    """
    hold_off_billing()
    db.session.refresh(reading, with_for_update=True)
    standing = queries.standings([reading.binding_id], period=reading.period)[reading.binding_id]
    if standing.billed:
        raise DomainError(f"{periods.label(reading.period)}已出账，不能再复核；要更正请做退补水量。")
    if standing.later:
        raise DomainError(f"{periods.label(standing.later)}已抄过表，不能再改{periods.label(reading.period)}的。")
    if reading.end_reading is None and decision in ("accept", "return"):
        raise DomainError("这一户未抄，没有止码可复核，请更正或估抄。")
    try:
        values = _decided(reading, standing, decision, end_reading)
    except ReadingError as error:
        raise DomainError(str(error), field="end_reading") from None
    values |= {"note": note or reading.note, "recorded_by": by_id, "recorded_at": clock.now()}
    logged = ("start_reading", "end_reading", "volume", "kind", "review", "held_for", "note")
    changes = {k: [getattr(reading, k), values[k]] for k in logged if k in values and getattr(reading, k) != values[k]}
    for name, value in values.items():
        setattr(reading, name, value)
    db.session.flush()
    forget_sums(reading.period)
    audit.record("reviewed", "reading", reading.id, {"decision": decision, **changes})


def _decided(reading: Reading, standing: Standing, decision: str, end_reading: Decimal | None) -> dict[str, Any]:
    """The reading's new values."""
    accepted = {"review": "accepted", "held_for": "", "start_reading": standing.start}
    match decision:
        case "return":
            return {"review": "returned"}
        case "estimate":
            volume = rules.estimate(standing.volumes) + standing.carried
            return accepted | {"end_reading": _estimated(standing), "volume": volume, "kind": "estimated"}
        case "correct":
            if end_reading is None:
                raise ReadingError("请填写更正后的止码。")
            return accepted | {"end_reading": end_reading, "kind": "actual", "volume": _volume(standing, end_reading)}
        case "accept":
            assert reading.end_reading is not None
            return accepted | {"volume": _volume(standing, reading.end_reading)}
    raise DomainError("没有这种复核结果，请重新选择。")


def _volume(standing: Standing, end: Decimal) -> Decimal:
    """m³ as a person vouches for it, however unusual; backwards means that the dial passed zero."""
    rules.check_dial(end, standing.modulus)
    if end < standing.start:
        return rules.passed_zero(start=standing.start, end=end, modulus=standing.modulus) + standing.carried
    return end - standing.start + standing.carried
