"""Posting. Nothing here is ever changed afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from app import clock
from app.db import db, lock
from app.staging import look_over

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
    lock(BOOKS_LOCK, shared=True)


def hold_books() -> None:
    """Wait until no transaction moves money, and keep new ones waiting until this one ends."""
    lock(BOOKS_LOCK)


# Entries and postings in one way to the server, which says what it has stored. Numbered in the order of the batches.
_POST = text("""
    WITH made AS (
        INSERT INTO ledger_entry (business_date, kind, source_id, reverses_id, by_id, at)
        SELECT CAST(:on AS date), CAST(:kind AS text), source_id, reverses_id, CAST(:by_id AS bigint),
               CAST(:at AS timestamptz)
        FROM unnest(CAST(:sources AS bigint[]), CAST(:reversed AS bigint[]))
             WITH ORDINALITY AS batch (source_id, reverses_id, place)
        ORDER BY place RETURNING id
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM made
    ), posted AS (
        INSERT INTO posting (entry_id, account, route_id, amount)
        SELECT n.id, line.account, line.route_id, line.amount
        FROM unnest(CAST(:places AS bigint[]), CAST(:accounts AS text[]), CAST(:amounts AS numeric[]),
                    CAST(:routes AS bigint[])) WITH ORDINALITY AS line (place, account, amount, route_id, n)
        JOIN numbered n ON n.place = line.place ORDER BY line.n RETURNING entry_id, amount
    )
    SELECT entry_id, sum(amount) FROM posted GROUP BY entry_id ORDER BY entry_id
""")


def post(kind: str, batches: Iterable[Batch], *, on: date, by_id: int | None) -> list[int]:
    """Post the batches; returns the entries' ids in order. Lines of zero yuan are left out.

    Raises Unbalanced where a batch does not sum to zero, by what the database has stored.
    """
    wanted = [(batch, [line for line in batch.lines if line.amount]) for batch in batches]
    wanted = [(batch, lines) for batch, lines in wanted if lines]
    if not wanted:
        return []
    placed = [(place, *line) for place, (_, lines) in enumerate(wanted, 1) for line in lines]
    places, accounts, amounts, routes = (list(column) for column in zip(*placed, strict=True))
    stored = db.session.execute(
        _POST,
        {
            "on": on,
            "kind": kind,
            "by_id": by_id,
            "at": clock.now(),
            "sources": [batch.source_id for batch, _ in wanted],
            "reversed": [batch.reverses_id for batch, _ in wanted],
            "places": places,
            "accounts": accounts,
            "amounts": amounts,
            "routes": routes,
        },
    ).all()
    for entry_id, total in stored:
        if total:
            raise Unbalanced(f"ledger entry {entry_id} is off by {total}")
    look_over("posting", len(placed))
    return [entry_id for entry_id, _ in stored]
