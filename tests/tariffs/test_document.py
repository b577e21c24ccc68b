"""The tariff file at the door, and `flask tariff quote`."""

from __future__ import annotations

import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from app.tariffs.cli import tariff_cli
from app.tariffs.document import load, load_file, quote, quote_batch, schema
from app.tariffs.rules import TariffError, parse

FULL: dict[str, Any] = {
    "name": "居民一户一表",
    "use_category": "居民生活用水",
    "applies_to": "metered",
    "effective_from": "2026-01-01",
    "tier_cycle": "year",
    "charges": [
        {
            "item": "水费",
            "basis": "volume",
            "tier_mode": "graduated",
            "tiers": [
                {"up_to": "180", "price": "5.00"},
                {"up_to": "260", "price": "7.00"},
                {"up_to": None, "price": "9.00"},
            ],
        },
        {"item": "污水处理费", "basis": "volume", "volume_factor": "0.9", "price": "0.95"},
        {"item": "容量水费", "basis": "month", "price": "5.00"},
        {"item": "人口水费", "basis": "head", "price": "3.00"},
    ],
    "household": {"rule": "per_extra_person", "base": 4, "volume": ["72", "96"]},
    "free_volume": "0",
    "minimum": "0",
    "over_quota": [
        {"up_to": "0.2", "multiplier": "2.5"},
        {"up_to": "0.5", "multiplier": "3"},
        {"up_to": None, "multiplier": "4"},
    ],
    "late_fee": {
        "due_day": 25,
        "grace_days": 0,
        "daily_rate": "0.0005",
        "base": "unpaid",
        "cap": "1",
        "minimum": "0",
    },
}
FLAT: dict[str, Any] = {
    "name": "单一价",
    "use_category": "非居民用水",
    "effective_from": "2026-01-01",
    "tier_cycle": "month",
    "charges": [{"item": "水费", "basis": "volume", "price": "3.10"}],
}
DROP = object()


def changed(keys: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """FULL with one field set (or dropped)."""
    spec: Any = deepcopy(FULL)
    node = spec
    for key in keys[:-1]:
        node = node[key]
    if value is DROP:
        del node[keys[-1]]
    else:
        node[keys[-1]] = value
    return dict(spec)


# Loading


def test_the_full_example_of_the_format_loads() -> None:
    tariff = load(FULL)
    assert tariff.charges[0].tiers[1].up_to == 260
    assert tariff.household is not None
    assert tariff.household.volume == (72, 96)
    assert tariff.late_fee is not None
    assert tariff.late_fee.daily_rate == Decimal("0.0005")
    assert tariff.over_quota[0].multiplier == Decimal("2.5")


def test_what_a_file_leaves_out_has_its_default() -> None:
    tariff = load(FLAT)
    assert (tariff.applies_to, tariff.household, tariff.over_quota, tariff.late_fee) == (
        "metered",
        None,
        (),
        None,
    )
    assert (tariff.free_volume, tariff.minimum, tariff.charges[0].volume_factor) == (0, 0, 1)


def test_the_schema_is_a_valid_2020_12_schema() -> None:
    Draft202012Validator.check_schema(schema())


BAD: list[tuple[tuple[str | int, ...], object, str]] = [
    (("name",), DROP, "name"),
    (("name",), "", "name"),
    (("name",), " \t", "name"),
    (("name",), "一\n二", "name"),
    (("name",), "\ud800", "name"),
    (("colour",), "蓝", "colour"),
    (("applies_to",), "all", "applies_to"),
    (("effective_from",), "2026-02-30", "effective_from"),
    (("effective_from",), "20260101", "effective_from"),
    (("tier_cycle",), DROP, "tier_cycle"),
    (("tier_cycle",), "week", "tier_cycle"),
    (("charges",), [], "charges"),
    (("charges",), "水费", "charges"),
    (("charges", 0), "水费", "charges[0]"),
    (("charges", 0, "basis"), "litre", "charges[0].basis"),
    (("charges", 0, "price"), "1", "charges[0]"),
    (("charges", 0, "tiers"), DROP, "charges[0]"),
    (("charges", 0, "tiers"), [], "charges[0].tiers"),
    (("charges", 0, "tiers", 0, "price"), DROP, "charges[0].tiers[0].price"),
    (("charges", 0, "tiers", 0, "up_to"), DROP, "charges[0].tiers[0].up_to"),
    (("charges", 0, "tiers", 0, "up_to"), "0", "charges[0].tiers[0].up_to"),
    (("charges", 0, "tiers", 0, "up_to"), None, "charges[0].tiers[0].up_to"),
    (("charges", 0, "tiers", 1, "up_to"), "180", "charges[0].tiers[1].up_to"),
    (("charges", 0, "tiers", 1, "up_to"), "100", "charges[0].tiers[1].up_to"),
    (("charges", 0, "tiers", 1, "up_to"), "-260", "charges[0].tiers[1].up_to"),
    (("charges", 0, "tiers", 2, "up_to"), "300", "charges[0].tiers[2].up_to"),
    (("charges", 0, "tiers", 1, "price"), 7, "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), 7.0, "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), Decimal("7.0"), "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "-7", "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "7e2", "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "７", "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "7.00\n", "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "7.00001", "charges[0].tiers[1].price"),
    (("charges", 0, "tiers", 1, "price"), "NaN", "charges[0].tiers[1].price"),
    (("charges", 1, "item"), "水费", "charges[1].item"),
    (("charges", 1, "volume_factor"), 1, "charges[1].volume_factor"),
    (("charges", 2, "volume_factor"), "0.9", "charges[2].volume_factor"),
    (("charges", 0, "basis"), "month", "charges[0].tiers"),
    (("household", "volume"), ["72"], "household.volume"),
    (("household", "volume", 0), 72, "household.volume[0]"),
    (("household", "base"), DROP, "household.base"),
    (("household", "base"), True, "household.base"),
    (("household", "base"), 4.0, "household.base"),
    (("household", "from"), 5, "household.from"),
    (("household",), {"rule": "lump", "volume": ["1", "2"]}, "household.from"),
    (("household",), {"rule": "per_head", "from": 5, "volume": ["6", "5"]}, "household.volume"),
    (("free_volume",), 5, "free_volume"),
    (("minimum",), "10.005", "minimum"),
    (("over_quota", 1, "up_to"), "0.2", "over_quota[1].up_to"),
    (("over_quota", 2, "up_to"), "0.9", "over_quota[2].up_to"),
    (("over_quota", 0, "multiplier"), "0.5", "over_quota[0].multiplier"),
    (("late_fee", "due_day"), 32, "late_fee.due_day"),
    (("late_fee", "due_day"), 25.0, "late_fee.due_day"),
    (("late_fee", "due_day"), "25", "late_fee.due_day"),
    (("late_fee", "daily_rate"), 5, "late_fee.daily_rate"),
    (("late_fee", "base"), "all", "late_fee.base"),
    (("late_fee", "cap"), "-1", "late_fee.cap"),
]


@pytest.mark.parametrize(("keys", "value", "path"), BAD)
def test_a_field_that_does_not_fit_is_refused_with_its_path(
    keys: tuple[str | int, ...], value: object, path: str
) -> None:
    with pytest.raises(TariffError) as caught:
        load(changed(keys, value))
    assert caught.value.path == path
    assert caught.value.message.endswith("。")
    assert len(caught.value.message) < 60


@pytest.mark.parametrize("document", [None, [], "x", 1, 1.5, {"a": [[[[[[[[[1]]]]]]]]]}])
def test_what_is_no_tariff_file_at_all_is_refused(document: object) -> None:
    with pytest.raises(TariffError):
        load(document)


SAID_BY_PARSE_TOO = [c for c in BAD if c[2] != "colour" and c[1] not in ("7.00001", "10.005")]


@pytest.mark.parametrize(("keys", "value", "path"), SAID_BY_PARSE_TOO)
def test_parse_alone_refuses_the_same_files(keys: tuple[str | int, ...], value: object, path: str) -> None:
    with pytest.raises(TariffError) as caught:
        parse(changed(keys, value))
    assert caught.value.path == path


@pytest.mark.parametrize("number", [7.0, Decimal("7.0"), 1e300])
def test_a_json_fraction_is_told_to_be_written_as_text(number: object) -> None:
    with pytest.raises(TariffError, match="JSON 小数"):
        load(changed(("charges", 0, "tiers", 1, "price"), number))


def test_null_stands_for_an_absent_part() -> None:
    assert load({**FLAT, "household": None, "over_quota": None, "late_fee": None}) == load(FLAT)


def test_a_file_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "标准.json"
    file.write_text(json.dumps(FLAT, ensure_ascii=False), "utf-8-sig")
    assert load_file(file) == load(FLAT)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(TariffError):
        load_file(tmp_path / "x.json")


# Pricing


def test_a_quote_has_the_shape_of_the_format() -> None:
    spec = {**FULL, "charges": FULL["charges"][:1]}
    assert quote(spec, usage="200") == {
        "lines": [
            {"item": "水费", "tier": 1, "volume": "180", "price": "5.00", "amount": "900.00"},
            {"item": "水费", "tier": 2, "volume": "20", "price": "7.00", "amount": "140.00"},
        ],
        "total": "1040.00",
        "late_fee": "0.00",
    }


def test_everything_a_quote_may_be_given_counts() -> None:
    answer = quote(FULL, usage=40, used_before="200", people="5", months=2, days_late=30, unpaid="42.00")
    assert [line["amount"] for line in answer["lines"]] == ["200.00", "34.20", "10.00", "30.00"]
    assert answer["late_fee"] == "0.63"
    assert quote({**FLAT, "over_quota": FULL["over_quota"]}, usage=20, quota=10)["total"] == "136.40"


def test_without_an_unpaid_amount_the_late_fee_is_on_the_bill() -> None:
    assert quote({**FLAT, "late_fee": FULL["late_fee"]}, usage=100, days_late=10)["late_fee"] == "1.55"


@pytest.mark.parametrize("number", ["12.5", 12.5, Decimal("12.50"), 12])
def test_a_usage_may_be_text_or_a_json_number(number: object) -> None:
    assert quote(FLAT, usage=number)["total"] == ("37.20" if number == 12 else "38.75")


@pytest.mark.parametrize(
    "given",
    [
        *({"usage": bad} for bad in (None, "", "-1", -1, "abc", "NaN", "1e3", "Infinity", "1000000000", "1.2345")),
        *({"usage": bad} for bad in ("４０", " 4", "4\n", True, [], 10**5000, Decimal("1e999999"), "0" * 40)),
        *({"usage": bad} for bad in (Decimal("-Infinity"), Decimal("1e-999999"), Decimal("sNaN"))),
        *({"usage": 1, "months": bad} for bad in (0, "1.5", 121, "x")),
        *({"usage": 1, "people": bad} for bad in (-1, "1.5", 10_000)),
        *({"usage": 1, name: "-1"} for name in ("used_before", "quota", "area", "hours", "days_late", "unpaid")),
        {"usage": 1, "unpaid": "1.555"},
        {"usage": 1, "colour": "蓝"},
    ],
)
def test_a_usage_that_cannot_be_priced_is_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(TariffError) as caught:
        quote(FLAT, **given)
    assert caught.value.path == list(given)[-1]


def test_a_batch_answers_in_order_and_a_bad_case_does_not_stop_it() -> None:
    nested: Any = "x"
    for _ in range(500):
        nested = [nested]
    cases = [
        {"tariff": FLAT, "usage": 1},
        {"tariff": FLAT},
        "x",
        {"usage": 1},
        {"tariff": {**FLAT, "minimum": 5.0}, "usage": 1},
        {"tariff": nested, "usage": 1},
        {"id": "七", "tariff": FLAT, "usage": "2", "people": None},
    ]
    answers = quote_batch(cases)
    assert [answer.get("total") for answer in answers] == ["3.10", None, None, None, None, None, "6.20"]
    assert [list(answer) for answer in answers[1:6]] == [["error"]] * 5
    assert answers[4]["error"].startswith("minimum：")


# Command line


def run(*args: str) -> Result:
    return CliRunner().invoke(tariff_cli, ["quote", *args])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "flat.json"
    path.write_text(json.dumps({**FLAT, "late_fee": FULL["late_fee"]}), "utf-8")
    return str(path)


def test_the_command_prints_one_json_document_and_nothing_else(file: str) -> None:
    result = run(file, "--usage", "40", "--days-late", "30", "--unpaid", "42.00")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "lines": [{"item": "水费", "volume": "40", "price": "3.10", "amount": "124.00"}],
        "total": "124.00",
        "late_fee": "0.63",
    }
    assert "水费" in result.stdout


def test_the_command_takes_every_option_of_the_format(file: str) -> None:
    options = "--usage 1 --used-before 0 --people 4 --months 1 --quota 1000 --area 0 --hours 0"
    assert json.loads(run(file, *options.split()).stdout)["total"] == "3.10"


@pytest.mark.parametrize(
    "args",
    [
        ["FILE"],
        ["FILE", "--usage", "-1"],
        ["FILE", "--usage", "nan"],
        ["FILE", "--usage"],
        ["FILE", "--usage", "1", "--colour", "蓝"],
        ["FILE", "--usage", "1", "--months", "0"],
        ["FILE", "FILE", "--usage", "1"],
        ["missing.json", "--usage", "1"],
        [".", "--usage", "1"],
        [],
        ["--usage", "1"],
        ["--batch", "missing.json"],
        ["--batch", "FILE"],
        ["--batch", "CASES", "--usage", "1"],
        ["FILE", "--batch", "CASES"],
    ],
)
def test_a_wrong_command_exits_2_with_one_line_on_standard_error(args: list[str], file: str, tmp_path: Path) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"tariff": FLAT, "usage": 1}]), "utf-8")
    result = run(*({"FILE": file, "CASES": str(cases)}.get(arg, arg) for arg in args))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) > 5


def test_a_batch_file_is_answered_with_a_list(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([{"tariff": FLAT, "usage": 12.5}, {"tariff": {"\ud800": 1}, "usage": 1}]), "utf-8")
    result = run("--batch", str(path))
    assert result.exit_code == 0
    answers = json.loads(result.stdout)
    assert answers[0]["total"] == "38.75"
    assert list(answers[1]) == ["error"]
