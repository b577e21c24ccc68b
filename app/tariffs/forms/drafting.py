"""Between a tariff file and the flat fields of the editor, both ways.

What the editor has no field for (a second tiered charge, the factor of the first, the least late fee) is taken over from
the document that is edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Document = dict[str, Any]
Values = Callable[[str], str]
"""Name of a field → what was typed, '' for nothing."""

ROWS = {
    "tier": ("up_to", "price", "fixed", "people"),
    "extra": ("item", "basis", "price", "factor", "origin"),
    "band": ("up_to", "multiplier"),
}
DEFAULT_ITEM = "水费"


@dataclass
class Draft:
    """The document that the fields make, and which field each of its places came from."""

    document: Document
    places: dict[str, str] = field(default_factory=dict)

    def field_of(self, path: str) -> str:
        """The field that a path of the document points at; '' where there is none."""
        fitting = [place for place in self.places if path == place or path.startswith((f"{place}.", f"{place}["))]
        return self.places[max(fitting, key=len)] if fitting else ""


def percent(share: str | None) -> str:
    """'0.0005' → '0.05'."""
    return "" if share is None else _plain(Decimal(share).scaleb(2))


def share(typed: str) -> str:
    """'0.05' → '0.0005'."""
    return _plain(Decimal(typed).scaleb(-2))


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def main_of(base: Document) -> int | None:
    """Where the charge stands that the tiers of the editor show: the first by volume."""
    return next((i for i, charge in enumerate(base.get("charges", ())) if charge["basis"] == "volume"), None)


def kept(base: Document) -> list[int]:
    """Charges that the editor cannot show: tiers of their own, after the first."""
    main = main_of(base)
    return [i for i, charge in enumerate(base.get("charges", ())) if i != main and "tiers" in charge]


def values_of(base: Document) -> dict[str, Any]:
    """What the fields show of a document."""
    late, household = base.get("late_fee") or {}, base.get("household") or {}
    shown: dict[str, Any] = {
        "name": base.get("name", ""),
        "use_category": base.get("use_category", ""),
        "applies_to": base.get("applies_to", "metered"),
        "tier_cycle": base.get("tier_cycle", "month"),
        "minimum": _or_blank(base.get("minimum")),
        "free_volume": _or_blank(base.get("free_volume")),
        "household_rule": household.get("rule", ""),
        "household_people": str(household.get("base" if household.get("rule") == "per_extra_person" else "from", "")),
        "due_day": str(late.get("due_day", "")),
        "grace_days": _or_blank(late.get("grace_days")),
        "daily_rate": percent(late.get("daily_rate")),
        "late_base": late.get("base", "unpaid"),
        "late_cap": percent(late.get("cap")),
    }
    return shown | dict(_shown_rows(base, household.get("volume", ())))


def _or_blank(value: Any) -> str:
    return "" if value is None or not Decimal(str(value)) else str(value)


def _shown_rows(base: Document, people: Any) -> Iterator[tuple[str, Any]]:
    main, hidden = main_of(base), kept(base)
    extras = [i for i in range(len(base.get("charges", ()))) if i != main and i not in hidden]
    if main is not None:
        charge = base["charges"][main]
        yield "item", charge["item"]
        yield "tier_mode", charge.get("tier_mode", "graduated")
        for i, tier in enumerate(charge.get("tiers") or [{"price": charge["price"]}]):
            yield f"tier_{i}_up_to", tier.get("up_to") or ""
            yield f"tier_{i}_price", tier["price"]
            yield f"tier_{i}_fixed", _or_blank(tier.get("fixed"))
            yield f"tier_{i}_people", people[i] if i < len(people) else ""
    for row, at in enumerate(extras):
        charge = base["charges"][at]
        for name in ("item", "basis", "price"):
            yield f"extra_{row}_{name}", charge[name]
        yield f"extra_{row}_factor", charge.get("volume_factor", "")
        yield f"extra_{row}_origin", str(at)
    for row, band in enumerate(base.get("over_quota") or ()):
        yield f"band_{row}_up_to", percent(band["up_to"])
        yield f"band_{row}_multiplier", band["multiplier"]


def filled(kind: str, counts: Mapping[str, int], value: Values) -> list[int]:
    """Rows of a kind with anything typed into them (what is chosen from a list, and what is hidden, is not typed)."""
    typed = [name for name in ROWS[kind] if name not in ("basis", "origin", "factor")]
    return [i for i in range(counts[kind]) if any(value(f"{kind}_{i}_{name}") for name in typed)]


def draft(base: Document, counts: Mapping[str, int], value: Values) -> Draft:
    """The document that valid fields make out of the one that is edited."""
    made = Draft({name: value(name) for name in ("name", "use_category", "applies_to", "effective_from", "tier_cycle")})
    made.places = {name: name for name in (*made.document, "minimum", "free_volume")}
    made.document["charges"] = []
    made.places["charges"] = "tier_0_price"
    tiers = filled("tier", counts, value)
    for _, charge, places in sorted(_charges(base, counts, value, tiers), key=lambda found: found[0]):
        at = len(made.document["charges"])
        made.document["charges"].append(charge)
        made.places |= {f"charges[{at}]{path}": name for path, name in places.items()}
    for name in ("minimum", "free_volume"):
        if value(name):
            made.document[name] = value(name)
    if value("household_rule"):
        _add_household(made, value, tiers)
    _add_bands(made, value, filled("band", counts, value))
    if value("due_day") or value("daily_rate"):
        _add_late_fee(made, value, base.get("late_fee") or {})
    return made


def _charges(
    base: Document, counts: Mapping[str, int], value: Values, tiers: list[int]
) -> Iterator[tuple[int, Document, dict[str, str]]]:
    """Place in the order of the document, charge, and its fields by the path inside the charge."""
    last = len(base.get("charges", ()))
    main = main_of(base)
    if tiers:
        yield -1 if main is None else main, *_main(base["charges"][main] if main is not None else {}, value, tiers)
    for at in kept(base):
        yield at, base["charges"][at], {}
    for i in filled("extra", counts, value):
        row = f"extra_{i}"
        charge = {name: value(f"{row}_{name}") for name in ("item", "basis", "price")}
        places = {"": f"{row}_item"} | {f".{name}": f"{row}_{name}" for name in charge}
        if value(f"{row}_factor"):
            charge["volume_factor"] = value(f"{row}_factor")
        places[".volume_factor"] = f"{row}_factor"
        origin = value(f"{row}_origin")
        yield int(origin) if origin.isdecimal() and int(origin) < last else last, charge, places


def _main(before: Document, value: Values, rows: list[int]) -> tuple[Document, dict[str, str]]:
    charge: Document = {"item": value("item") or DEFAULT_ITEM, "basis": "volume"}
    places = {"": f"tier_{rows[0]}_price", ".item": "item", ".price": f"tier_{rows[0]}_price"}
    if "volume_factor" in before:
        charge["volume_factor"] = before["volume_factor"]
    if len(rows) == 1 and not value(f"tier_{rows[0]}_fixed"):
        return charge | {"price": value(f"tier_{rows[0]}_price")}, places
    charge["tier_mode"] = value("tier_mode") or "graduated"
    charge["tiers"] = []
    for at, i in enumerate(rows):
        tier = {"up_to": value(f"tier_{i}_up_to") or None, "price": value(f"tier_{i}_price")}
        if value(f"tier_{i}_fixed"):
            tier["fixed"] = value(f"tier_{i}_fixed")
        charge["tiers"].append(tier)
        places |= {f".tiers[{at}].{name}": f"tier_{i}_{name}" for name in ("up_to", "price", "fixed")}
    return charge, places


def _add_household(made: Draft, value: Values, tiers: list[int]) -> None:
    rule, people = value("household_rule"), value("household_people")
    key = "base" if rule == "per_extra_person" else "from"
    volumes = [value(f"tier_{i}_people") or "0" for i in tiers[:-1]]
    made.document["household"] = {"rule": rule, key: int(people or 0), "volume": volumes}
    made.places |= {"household": "household_rule", f"household.{key}": "household_people"}
    made.places |= {f"household.volume[{at}]": f"tier_{i}_people" for at, i in enumerate(tiers[:-1])}


def _add_bands(made: Draft, value: Values, rows: list[int]) -> None:
    for at, i in enumerate(rows):
        upper = value(f"band_{i}_up_to")
        band = {"up_to": share(upper) if upper else None, "multiplier": value(f"band_{i}_multiplier")}
        made.document.setdefault("over_quota", []).append(band)
        made.places |= {f"over_quota[{at}].{name}": f"band_{i}_{name}" for name in ROWS["band"]}


def _add_late_fee(made: Draft, value: Values, before: Document) -> None:
    made.document["late_fee"] = {
        "due_day": int(value("due_day") or 0),
        "grace_days": int(value("grace_days") or 0),
        "daily_rate": share(value("daily_rate") or "0"),
        "base": value("late_base") or "unpaid",
        "cap": share(value("late_cap")) if value("late_cap") else None,
        "minimum": before.get("minimum", "0"),
    }
    names = {"due_day": "due_day", "grace_days": "grace_days", "daily_rate": "daily_rate", "base": "late_base"}
    made.places |= {f"late_fee.{key}": name for key, name in names.items()} | {"late_fee.cap": "late_cap"}
