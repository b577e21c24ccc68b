"""撤销开账: opposite bills for a whole run, or for one bill, as long as nobody has paid anything."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from sqlalchemy import select, text

from app import audit, clock
from app.billing.models import Bill, BillingRun
from app.billing.service.runs import RunTotals, batches, lock_billing, record_run
from app.db import db
from app.errors import DomainError
from app.ledger.service import open_books, post

# The bills to take back, and their accounts locked in the order that everybody locks accounts in.
_STAGE = """
    CREATE TEMPORARY TABLE undone ON COMMIT DROP AS
    SELECT b.id AS bill_id, b.customer_id FROM bill b
    WHERE {which} AND NOT EXISTS (SELECT 1 FROM bill v WHERE v.reverses_id = b.id)
"""
_LOCK = text("""
    SELECT id FROM customer WHERE id IN (SELECT customer_id FROM undone) ORDER BY id FOR NO KEY UPDATE
""")
# A payment that was reversed has settled nothing.
_TOUCHED = text("""
    SELECT count(*) FROM undone u
    WHERE EXISTS (SELECT 1 FROM settlement s WHERE s.bill_id = u.bill_id
                  GROUP BY s.bill_id HAVING sum(s.amount) <> 0 OR sum(s.late_fee) <> 0)
       OR EXISTS (SELECT 1 FROM bill a WHERE a.adjusts_id = u.bill_id
                  AND NOT EXISTS (SELECT 1 FROM bill v WHERE v.reverses_id = a.id))
""")
_TOTALS = text("""
    SELECT count(*), -coalesce(sum(b.volume), 0), -coalesce(sum(b.amount), 0) FROM bill b JOIN undone u ON u.bill_id = b.id
""")

_OPPOSITE = """
    CASE WHEN x.line -> '{name}' IS NULL THEN '{{}}'
         ELSE jsonb_build_object('{name}', CAST(-CAST(x.line ->> '{name}' AS numeric) AS text)) END
"""
# Staged before it is inserted: the ids and the rounds are settled by then.
_REVERSE = text(f"""
    WITH opposite AS MATERIALIZED (
        SELECT b.*, (SELECT coalesce(jsonb_agg(x.line || {_OPPOSITE.format(name="amount")}
                            || {_OPPOSITE.format(name="volume")} || {_OPPOSITE.format(name="quantity")} ORDER BY x.n), '[]')
                     FROM jsonb_array_elements(b.document -> 'lines') WITH ORDINALITY AS x (line, n)) AS lines,
               (SELECT count(*) FROM bill e
                WHERE e.customer_id = b.customer_id AND e.period = b.period
                  AND coalesce(e.binding_id, 0) = coalesce(b.binding_id, 0) AND e.kind = 'reversal') AS earlier
        FROM bill b JOIN undone u ON u.bill_id = b.id
    )
    INSERT INTO bill (run_id, kind, period, round, customer_id, binding_id, route_id, use_category_id, start_reading,
                      end_reading, read_on, volume, amount, issued_on, due_on, reverses_id, document)
    SELECT :run_id, 'reversal', period, earlier, customer_id, binding_id, route_id, use_category_id, start_reading,
           end_reading, read_on, -volume, -amount, :on, due_on, id,
           (document - 'late_fee') || jsonb_build_object('lines', lines)
           || CASE WHEN document -> 'counted' IS NULL THEN '{{}}'
              ELSE jsonb_build_object('counted', CAST(-CAST(document ->> 'counted' AS numeric) AS text)) END
    FROM opposite ORDER BY id
""")  # noqa: S608 - only our own fragments
_CLOSE_ITEMS = text("""
    DELETE FROM open_item o USING undone u WHERE o.customer_id = u.customer_id AND o.bill_id = u.bill_id
""")
_BY_ROUTE = text("""
    SELECT b.route_id, l.line ->> 'item', sum(CAST(l.line ->> 'amount' AS numeric))
    FROM bill b CROSS JOIN LATERAL jsonb_array_elements(b.document -> 'lines') AS l (line)
    WHERE b.run_id = :run_id GROUP BY 1, 2 ORDER BY 1, 2
""")
_ENTRIES = text("""
    SELECT DISTINCT p.route_id, e.id FROM ledger_entry e JOIN posting p ON p.entry_id = e.id
    WHERE e.business_date = :on AND e.kind = 'bills' AND e.source_id = :run_id
""")


def reverse_run(run_id: int, *, by_id: int | None, reason: str) -> RunTotals:
    """撤销整批: take back every bill of a regular run that still stands; issuing again bills them anew.

    Later bills of the same tier window are left as they are. DomainError where any bill has been paid (自动扣费 and
    减免 count) or adjusted: with how many; where it is not a regular run, or was taken back before.
    """
    _refuse_without_reason(reason)
    open_books()
    lock_billing()
    run = db.session.get(BillingRun, run_id)
    if run is None or run.kind != "regular":
        raise DomainError("只能撤销正常开账的一批水费单，请重新选择。")
    touched = _stage("b.run_id = :id", run_id)
    if touched:
        raise DomainError(
            f"这批有 {touched} 张水费单已经收过款（含自动扣费、减免）或退补过水量，不能整批撤销；"
            "请先冲红这些缴费，或对个别水费单做退补水量。"
        )
    entries: dict[int, int] = dict(db.session.execute(_ENTRIES, {"on": run.issued_on, "run_id": run_id}).all())
    undone = _reverse(run.period, route_id=run.route_id, by_id=by_id, entries=entries)
    if not undone.bills:
        raise DomainError("这批水费单已经全部撤销过。")
    _tell("billing_run", run_id, undone, reason)
    return undone


def reverse_bill(bill_id: int, *, by_id: int | None, reason: str) -> RunTotals:
    """撤销一张: take back one regular or adjusting bill that nobody has paid anything of; refused as a run is."""
    _refuse_without_reason(reason)
    open_books()
    lock_billing()
    bill = db.session.get(Bill, bill_id)
    if bill is None or bill.kind == "reversal":
        raise DomainError("只能撤销一张水费单，请重新选择。")
    if _stage("b.id = :id", bill_id):
        raise DomainError(
            "这张水费单已经收过款（含自动扣费、减免、抵账）或退补过水量，不能撤销；请先冲红缴费，或做退补水量。"
        )
    undone = _reverse(bill.period, route_id=bill.route_id, by_id=by_id, entries={})
    if not undone.bills:
        raise DomainError("这张水费单已经撤销过。")
    _tell("bill", bill_id, undone, reason)
    return undone


def _tell(entity: str, key: int, undone: RunTotals, reason: str) -> None:
    told = {"bills": undone.bills, "volume": undone.volume, "amount": undone.amount}
    audit.record("reversed", entity, key, told | {"reason": reason.strip(), "reversal_id": undone.run_id})


def _refuse_without_reason(reason: str) -> None:
    if not reason.strip():
        raise DomainError("请填写撤销原因。", field="reason")


def _stage(which: str, key: int) -> int:
    """Fill `undone` and lock its accounts; how many of its bills money or an adjustment has touched."""
    db.session.execute(text("DROP TABLE IF EXISTS pg_temp.undone"))
    db.session.execute(text(_STAGE.format(which=which)), {"id": key})
    db.session.execute(_LOCK)
    return int(db.session.execute(_TOUCHED).scalar_one())


def _reverse(period: str, *, route_id: int | None, by_id: int | None, entries: dict[int, int]) -> RunTotals:
    """Opposite bills of what is staged; `entries`: the run's own ledger entry by route, where it is taken back whole."""
    totals = RunTotals(*db.session.execute(_TOTALS).one())
    if not totals.bills:
        return totals
    today = clock.today()
    run_id = record_run("reversal", period, totals, on=today, by_id=by_id, route_id=route_id)
    db.session.execute(_REVERSE, {"run_id": run_id, "on": today})
    db.session.execute(_CLOSE_ITEMS)
    revenue: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for route, item, amount in db.session.execute(_BY_ROUTE, {"run_id": run_id}):
        revenue[route][item] = amount
    post("bill_reversal", batches(revenue, run_id, reverses=entries), on=today, by_id=by_id)
    return RunTotals(totals.bills, totals.volume, totals.amount, run_id)


def standing(bill_id: int) -> bool:
    """Whether nothing has taken the bill back."""
    return db.session.scalar(select(Bill.id).where(Bill.reverses_id == bill_id)) is None


def standing_bill(customer_id: int, binding_id: int, period: str) -> int | None:
    """The regular bill of a meter and period that nothing has taken back."""
    bills = select(Bill.id).where(
        Bill.customer_id == customer_id, Bill.binding_id == binding_id, Bill.period == period, Bill.kind == "regular"
    )
    return next((bill_id for bill_id in db.session.scalars(bills) if standing(bill_id)), None)
