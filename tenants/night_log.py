"""夜间任务 as people look at them: a plant's nights with their steps, and what they did in words. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby

from sqlalchemy import select

from tenants.models import PlantJob
from tenants.nights import KINDS
from tenants.session import platform

LABELS = {
    "resume": "停用到期",
    "bills": "出账",
    "late_fees": "违约金",
    "auto_deduct": "自动扣费",
    "reports": "报表缓存",
}
COUNTS = {"resume": "resumed", "bills": "bills", "late_fees": "late", "auto_deduct": "customers"}  # in a job's result
# state of a step or of a night → word, tone, icon
STATES = {
    "failed": ("失败", "owed", "alert-triangle"),
    "running": ("进行中", "water", "refresh"),
    "queued": ("等待", "plain", "dots"),
    "done": ("完成", "paid", "circle-check"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One job of a night."""

    job: PlantJob

    @property
    def label(self) -> str:
        """What the step is called."""
        return LABELS[self.job.kind]

    @property
    def mark(self) -> tuple[str, str, str]:
        """Word, tone and icon of its state."""
        return STATES[self.job.state]

    @property
    def took(self) -> str:
        """How long, in words."""
        return spent(self.seconds)

    @property
    def seconds(self) -> float | None:
        """How long it took, or has been running; None where it has not begun (again)."""
        job = self.job
        if job.started_at is None or job.state == "queued":
            return None
        ended = datetime.now(UTC) if job.state == "running" else job.finished_at
        return (ended - job.started_at).total_seconds() if ended else None

    @property
    def count(self) -> int:
        """How many accounts or items it did something for."""
        return int((self.job.result or {}).get(COUNTS.get(self.job.kind, ""), 0))

    @property
    def words(self) -> str:
        """What it did; '' as long as it is not done."""
        return done_words(self) if self.job.state == "done" else ""

    @property
    def for_people(self) -> bool:
        """Whether the reason of its failure is a sentence of our own, which says what to do."""
        return (self.job.error or "").endswith("。")

    @property
    def waits(self) -> str:
        """What a step that is to be tried again waits for: the database broke it off, or somebody pressed 「重试」."""
        return "上次没有做成，会自动再试" if self.job.state == "queued" and self.job.error else ""

    @property
    def reason(self) -> str:
        """Why it failed: our own sentence, or the first line of what broke, for whoever looks into the logs."""
        if self.job.state != "failed":
            return ""
        first = ((self.job.error or "").strip().splitlines() or ["没有留下原因"])[0]
        return first if self.for_people else f"系统错误：{first[:160]}"


@dataclass(frozen=True, slots=True)
class Night:
    """One plant's night: its steps in the order they run."""

    day: date
    steps: tuple[Step, ...]

    @property
    def state(self) -> str:
        """failed where a step failed; running while one runs; done when all are; else queued."""
        states = {step.job.state for step in self.steps}
        if states == {"done"}:
            return "done"
        return next((state for state in ("failed", "running") if state in states), "queued")

    @property
    def mark(self) -> tuple[str, str, str]:
        """Word, tone and icon of its state."""
        return STATES[self.state]

    @property
    def took(self) -> str:
        """How long was worked on it, in words."""
        return spent(self.seconds)

    @property
    def done(self) -> int:
        """Steps done."""
        return sum(step.job.state == "done" for step in self.steps)

    @property
    def failed(self) -> Step | None:
        """The step that stands in the way of the later ones."""
        return next((step for step in self.steps if step.job.state == "failed"), None)

    @property
    def unfinished(self) -> bool:
        """Whether it moves by itself: a failed night waits for a person."""
        return self.state in ("running", "queued")

    @property
    def started(self) -> datetime | None:
        """When its first step began."""
        return min((s.job.started_at for s in self.steps if s.job.started_at and s.seconds is not None), default=None)

    @property
    def seconds(self) -> float | None:
        """The time worked on it: waiting between steps, and for a person, is left out."""
        worked = [step.seconds for step in self.steps if step.seconds is not None]
        return sum(worked) if worked else None

    @property
    def attempts(self) -> int:
        """How often its most stubborn step was tried."""
        return max((step.job.attempts for step in self.steps), default=0)

    @property
    def words(self) -> str:
        """What was done, in one line: '出账 2,450 户 ¥78,900.00，自动扣费 30 户 ¥910.00'."""
        told = [step.words for step in self.steps if step.words and step.count]
        return "，".join(told) or ("没有账要出，也没有费要扣" if self.state == "done" else "")


def amount(value: object) -> str:
    """'¥78,900.00', of an amount as a job's result writes it."""
    return f"¥{Decimal(str(value or 0)):,.2f}"


def done_words(step: Step) -> str:
    """What a step that is done has done."""
    kind, count, result = step.job.kind, step.count, step.job.result or {}
    if kind == "bills":
        return f"出账 {count:,} 户 {amount(result.get('amount'))}" if count else "没有账要出"
    if kind == "auto_deduct":
        return f"自动扣费 {count:,} 户 {amount(result.get('amount'))}" if count else "没有费要扣"
    if kind == "late_fees":
        return f"违约金更新 {count:,} 笔" if count else "没有违约金"
    if kind == "resume":
        return f"恢复供水 {count:,} 户" if count else "没有停用到期的"
    return "报表已更新" if kind == "reports" else "已完成"


def spent(seconds: float | None) -> str:
    """'8 秒', '1 分 20 秒', '2 小时 5 分'."""
    if seconds is None:
        return "—"
    whole = round(seconds)
    if whole < 1:
        return "不到 1 秒"
    if whole < 60:
        return f"{whole} 秒"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} 分 {rest} 秒" if minutes < 60 else f"{minutes // 60} 小时 {minutes % 60} 分"


def night_of(jobs: Iterable[PlantJob]) -> Night:
    """The jobs of one plant and day."""
    ranked = sorted(jobs, key=lambda job: KINDS.index(job.kind))
    return Night(ranked[0].business_date, tuple(Step(job) for job in ranked))


def of_plant(plant_id: int, *, last: int) -> list[Night]:
    """The plant's last nights, the youngest first."""
    newest = PlantJob.business_date.desc()
    with platform() as session:
        jobs = session.scalars(
            select(PlantJob)
            .where(PlantJob.plant_id == plant_id)
            .order_by(newest, PlantJob.kind)
            .limit(last * len(KINDS))  # no night has more steps, so they hold at least that many nights
        ).all()
    return [night_of(group) for _, group in groupby(jobs, lambda job: job.business_date)][:last]


def one(plant_id: int, day: date) -> Night | None:
    """The plant's night of that day."""
    with platform() as session:
        jobs = session.scalars(
            select(PlantJob).where(PlantJob.plant_id == plant_id, PlantJob.business_date == day)
        ).all()
    return night_of(jobs) if jobs else None
