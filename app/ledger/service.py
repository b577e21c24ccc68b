"""Posting. Nothing here is ever changed afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, insert, select

from app import clock
from app.db import db
from app.ledger.models import LedgerEntry, Posting
from app.staging import copy_rows
from tenants import context

BOOKS_LOCK = 71003  # first key of the plants' advisory locks on their books


class Unbalanced(AssertionError):
    """A batch that does not sum to zero was about to be committed."""


class Line(NamedTuple):
    """One posting to be made."""

    account: str
    amount: Decimal  # debit positive
    route_id: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One entry to be made."""

    lines: tuple[Line, ...]
    source_id: int | None = None
    reverses_id: int | None = None


def open_books() -> None:
    """Say that this transaction is going to move money. The report cache waits for such transactions to end."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(BOOKS_LOCK, context.current().id)))


def hold_books() -> None:
    """Wait until no transaction moves money, and keep new ones waiting until this one ends."""
    db.session.execute(select(func.pg_advisory_xact_lock(BOOKS_LOCK, context.current().id)))


def post(kind: str, batches: Iterable[Batch], *, on: date, by_id: int | None) -> list[int]:
    """Post the batches; returns the entries' ids in order. Lines of zero yuan are left out.

    Raises Unbalanced where a batch does not sum to zero, by what the database has stored.
    """
    wanted = [(batch, [line for line in batch.lines if line.amount]) for batch in batches]
    wanted = [(batch, lines) for batch, lines in wanted if lines]
    if not wanted:
        return []
    entry = {"business_date": on, "kind": kind, "by_id": by_id, "at": clock.now()}
    ids = list(
        db.session.scalars(
            insert(LedgerEntry).returning(LedgerEntry.id, sort_by_parameter_order=True),
            [entry | {"source_id": b.source_id, "reverses_id": b.reverses_id} for b, _ in wanted],
        )
    )
    copy_rows(
        "posting",
        ("entry_id", "account", "route_id", "amount"),
        (
            (entry_id, line.account, line.route_id, line.amount)
            for entry_id, (_, lines) in zip(ids, wanted, strict=True)
            for line in lines
        ),
    )
    check_balanced(ids)
    return ids


def check_balanced(entry_ids: list[int]) -> None:
    """Refuse to go on where an entry does not sum to zero."""
    wrong = db.session.execute(
        select(Posting.entry_id, func.sum(Posting.amount))
        .where(Posting.entry_id.in_(entry_ids))
        .group_by(Posting.entry_id)
        .having(func.sum(Posting.amount) != 0)
    ).first()
    if wrong:
        raise Unbalanced(f"ledger entry {wrong[0]} is off by {wrong[1]}")
