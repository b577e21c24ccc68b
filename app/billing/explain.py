"""为什么是这个数: a bill's document in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from app.money import D, yuan


class Part(NamedTuple):
    """One component of a bill: '8 × ¥2.00' and '4 × ¥3.00' make 28.00 yuan of 水费. `tariff` only where several share."""

    item: str
    terms: tuple[str, ...]
    amount: Decimal
    tariff: str = ""


class Explanation(NamedTuple):
    """The bill's parts in order, the standards that priced it, and what else decided the amount."""

    parts: tuple[Part, ...]
    tariffs: tuple[str, ...]
    notes: tuple[str, ...]


def explain(document: Mapping[str, Any]) -> Explanation:
    """Explain a bill by the document that it keeps."""
    parts: list[Part] = []
    for line in document.get("lines", ()):
        term, amount = _term(line), yuan(D(line["amount"]))
        last = parts[-1] if parts else None
        if last and (last.item, last.tariff) == (line["item"], line.get("tariff", "")):
            parts[-1] = last._replace(terms=(*last.terms, *term), amount=last.amount + amount)
        else:
            parts.append(Part(line["item"], term, amount, line.get("tariff", "")))
    tariffs = tuple(dict.fromkeys(t["name"] for t in document.get("tariffs", ())))
    return Explanation(tuple(parts), tariffs, tuple(_notes(document)))


def _term(line: Mapping[str, str]) -> tuple[str, ...]:
    """'12 × ¥0.95', with the factor and the over-quota multiplier where there are any; nothing for a mere difference."""
    if "price" not in line:
        return ()
    factors = [line.get("volume") or line.get("quantity") or "1", f"¥{line['price']}"]
    if "volume_factor" in line:
        factors.append(line["volume_factor"])
    if "multiplier" in line:
        factors.append(f"{line['multiplier']} 倍（超定额）")
    return (" × ".join(factors),)


def _notes(document: Mapping[str, Any]) -> list[str]:
    notes = []
    if "months" in document:
        notes.append(f"按 {document['months']} 个月计")
    if "used_before" in document:
        notes.append(f"本周期此前已用 {document['used_before']} m³，阶梯接着算")
    if "counted" in document:
        notes.append(f"减免后按 {document['counted']} m³ 计")
    return notes
