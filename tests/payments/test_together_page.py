"""合单收费 through its pages. 10 m³ cost 33.50 yuan, 14 m³ 53.10."""

from __future__ import annotations

import io
import re
from decimal import Decimal

from pypdf import PdfReader
from sqlalchemy import select

from app.db import db
from app.payments.models import Payment
from tests.conftest import Site
from tests.payments import counter

D = Decimal


def form_of(page: str) -> dict[str, object]:
    key = re.search(r'name="key"[^>]* value="(\w+)"', page)
    assert key
    return {"key": key[1], "bills": re.findall(r'name="bills" [^>]*value="([^"]+)"', page), "method": "cash"}


def test_accounts_are_added_one_by_one_and_paid_at_once_with_a_receipt_each(client: Site) -> None:
    (one, _), (other, _) = counter.billed(10, customer_no="07000012"), counter.billed(14, customer_no="07000013")
    with counter.on("2026-11-20"):
        assert client.get("/counter/together?q=07000012").location == f"/counter/together?ids={one}"
        added = client.get(f"/counter/together?ids={one}&q=07000013").location
        assert added == f"/counter/together?ids={one}&ids={other}"
        page = client.get(added).text
        assert "¥86.60</output>" in page
        form = form_of(page) | {"tendered": "100"}
        answers = [client.post(added, data=form) for _ in range(2)]
        after = client.get(answers[0].location).text
    assert answers[0].location == answers[1].location
    assert "收费成功，2 户" in after
    assert "¥13.40" in after
    made = db.session.scalars(select(Payment).order_by(Payment.id)).all()
    assert [(p.customer_id, p.received, p.receipt_no) for p in made] == [(one, D("33.50"), 1), (other, D("53.10"), 2)]
    file = client.get(f"/payments/{made[0].id}/receipts.pdf").data
    pages = [re.sub(r"\s+", "", sheet.extract_text()) for sheet in PdfReader(io.BytesIO(file)).pages]
    assert ["2026-000001" in pages[0], "2026-000002" in pages[1], len(pages)] == [True, True, 2]
    assert "07000013" in pages[1]
    counter.books()


def test_an_account_that_changed_meanwhile_stops_the_whole(client: Site) -> None:
    (one, bills), (other, _) = counter.billed(10), counter.billed(14)
    with counter.on("2026-11-20"):
        path = f"/counter/together?ids={one}&ids={other}"
        form = form_of(client.get(path).text)
        counter.pay(one, bills, "33.50")
        answer = client.post(path, data=form | {"tendered": "86.60"})
    assert answer.status_code == 422
    assert "由 ¥33.50 变为 ¥0.00" in answer.text
    assert len(db.session.scalars(select(Payment)).all()) == 1


def test_an_unticked_account_is_left_out_and_none_is_refused(client: Site) -> None:
    (one, _), (other, bills) = counter.billed(10), counter.billed(14)
    with counter.on("2026-11-20"):
        path = f"/counter/together?ids={one}&ids={other}"
        form = form_of(client.get(path).text)
        refused = client.post(path, data=form | {"bills": [], "tendered": "10"})
        assert refused.status_code == 422
        assert "请至少勾选一户" in refused.text
        client.post(path, data=form | {"bills": [f"{one}:33.50"], "tendered": "33.50"})
    assert [bill for bill, _, _ in counter.owed(other)] == bills
    assert counter.owed(one) == []
