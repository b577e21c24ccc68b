"""What the operator sees of all plants: sums by plant and month, filled by each plant's night. Nobody's name is in it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from tenants.session import platform, registry


class Month(NamedTuple):
    """A period's bills, m³, yuan billed, and yuan of it unpaid now."""

    period: str
    bills: int
    volume: Decimal
    due: Decimal
    unpaid: Decimal


class Sums(NamedTuple):
    """Plants, households, and money of a county or of all; yuan."""

    name: str
    plants: int
    households: int
    bills: int
    volume: Decimal
    due: Decimal
    paid: Decimal
    unpaid: Decimal


# It does not wait for the disk: the note in the registry that the night is done comes after it.
_NOTE = text("""
    WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), size AS (
        UPDATE platform.plant SET households = :n FROM soon WHERE id = :plant_id AND households <> :n
    )
    INSERT INTO platform.plant_month (plant_id, period, bills, volume, due, unpaid)
    SELECT :plant_id, m.* FROM unnest(CAST(:periods AS text[]), CAST(:bills AS integer[]), CAST(:volumes AS numeric[]),
                                      CAST(:dues AS numeric[]), CAST(:unpaids AS numeric[])) AS m
    ON CONFLICT (plant_id, period) DO UPDATE
    SET bills = excluded.bills, volume = excluded.volume, due = excluded.due, unpaid = excluded.unpaid
    WHERE (plant_month.bills, plant_month.volume, plant_month.due, plant_month.unpaid)
          IS DISTINCT FROM (excluded.bills, excluded.volume, excluded.due, excluded.unpaid)
""")


def note(plant_id: int, households: int, months: Sequence[Month]) -> None:
    """Keep a plant's size and months as its night found them."""
    columns = zip(*months, strict=True) if months else ((),) * 5
    names = ("periods", "bills", "volumes", "dues", "unpaids")
    found = {"plant_id": plant_id, "n": households} | {n: list(c) for n, c in zip(names, columns, strict=True)}
    with registry() as session:
        session.execute(_NOTE, found)


_BY_COUNTY = text("""
    SELECT p.county, count(*), sum(p.households), coalesce(sum(m.bills), 0), coalesce(sum(m.volume), 0),
           coalesce(sum(m.due), 0.00), coalesce(sum(m.due - m.unpaid), 0.00), coalesce(sum(m.unpaid), 0.00)
    FROM platform.plant p
    LEFT JOIN (SELECT plant_id, sum(bills) AS bills, sum(volume) AS volume, sum(due) AS due, sum(unpaid) AS unpaid
               FROM platform.plant_month WHERE period BETWEEN :since AND :until GROUP BY plant_id) m ON m.plant_id = p.id
    WHERE p.state <> 'archived'
    GROUP BY p.county ORDER BY sum(p.households) DESC, p.county
""")


def by_county(since: str, until: str) -> list[Sums]:
    """The plants' sums of the periods `since` … `until` (both included), the largest county first."""
    with platform() as session:
        return [Sums(*row) for row in session.execute(_BY_COUNTY, {"since": since, "until": until})]
