"""What an import is made of: its columns, the questions its form asks, what it checks and how it stores."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from app.errors import DomainError
from app.permissions import Permission
from app.web.imports.cells import Cleaned, Parser

if TYPE_CHECKING:
    from app.web.imports.reader import Sheet

_NOT_HEADING = re.compile(r"[\s*＊:：]|[（(][^（）()]*[)）]$")


def plain_heading(text: object) -> str:
    """A heading as it is compared: '* 户 号（必填）' → '户号'."""
    if not isinstance(text, str):
        return ""
    return _NOT_HEADING.sub("", unicodedata.normalize("NFKC", text).strip())


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `needed`: the sheet must have it. `filled`: where it exists no cell may be blank.

    `unique`: no value twice in one sheet.
    """

    field: str
    heading: str
    parse: Parser
    aliases: tuple[str, ...] = ()
    needed: bool = False
    filled: bool = False
    unique: bool = False
    example: str | int | Decimal = ""
    hint: str = ""

    def names(self) -> tuple[str, ...]:
        """What the heading may say."""
        return (self.heading, *self.aliases)


@dataclass(frozen=True, slots=True)
class Option:
    """A question the form asks once, for what the sheet lacks. `parse` raises ValueError with the reason.

    `read_off`: left blank it is read off the sheet, and the default only counts where the sheet says nothing.
    `instead_of`: the field that it stands in for; where the sheet has that column the answer does not matter.
    """

    name: str
    label: str
    default: Callable[[], str] = lambda: ""
    hint: str = ""
    parse: Callable[[str], Any] = str
    choices: Callable[[], list[str]] | None = None
    read_off: bool = False
    instead_of: str = ""


class Remark(NamedTuple):
    """Something to say about a cell: the row as the sheet numbers it, the column's heading there, the sentence."""

    row: int
    column: str
    text: str


class Rows:
    """The parsed rows, column by column, and what has been found about them. An index is a row's place here."""

    def __init__(self, numbers: list[int], labels: Mapping[str, str]) -> None:
        self.numbers = numbers
        self.labels = dict(labels)  # field → heading, of the columns that the sheet really has
        self.values: dict[str, list[Any]] = {}
        self.wrong: dict[int, list[tuple[str, str]]] = {}
        self.skipped: dict[int, tuple[str, str]] = {}
        self.cleaned: dict[int, list[tuple[str, str]]] = {}
        self.noticed: dict[int, list[tuple[str, str]]] = {}
        self.figures: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, field: str) -> list[Any]:
        return self.values[field]

    def has(self, field: str) -> bool:
        """Whether the sheet has this column."""
        return field in self.labels

    def refuse(self, index: int, field: str, reason: str) -> None:
        """The row cannot be imported; all reasons are kept."""
        self.wrong.setdefault(index, []).append((field, reason))

    def skip(self, index: int, field: str, reason: str) -> None:
        """The row is there already."""
        self.skipped[index] = (field, reason)

    def tidy(self, index: int, field: str, what: str) -> None:
        """The row is imported otherwise than it is written."""
        self.cleaned.setdefault(index, []).append((field, what))

    def notice(self, index: int, field: str, what: str) -> None:
        """The row is imported; someone should know this."""
        self.noticed.setdefault(index, []).append((field, what))

    def good(self) -> Iterable[int]:
        """Rows that can be stored, so far."""
        wrong, skipped = self.wrong, self.skipped
        return (i for i in range(len(self.numbers)) if i not in wrong and i not in skipped)

    def clean_cell(self, index: int, field: str, refused: set[int]) -> bool:
        """Whether a row still counts for checks on this field."""
        return index not in refused and self.values[field][index] is not None

    def fill(self, field: str, value: Any) -> None:
        """Give blank cells (or the missing column) this value."""
        self.values[field] = [value if v is None else v for v in self.values[field]]


Check = Callable[[Rows, Mapping[str, Any]], None]
Store = Callable[[Rows, list[int], Mapping[str, Any], int | None], dict[str, int]]


def _nothing(_rows: Rows, _options: Mapping[str, Any]) -> None:
    return


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of import.

    `complete` fills in what the sheet lacks before duplicates are looked for; `check` compares with what is stored
    and refuses or skips; `store` writes the rows at the given indexes and returns what was written; `suggest` reads
    answers to the form's questions off the sheet itself.
    """

    kind: str
    title: str
    permission: Permission
    columns: tuple[Column, ...]
    store: Store
    check: Check = _nothing
    complete: Check = _nothing
    options: tuple[Option, ...] = ()
    suggest: Callable[[Sheet], Mapping[str, str]] = lambda _sheet: {}
    figures: tuple[tuple[str, str], ...] = ()  # key → label of the counts that `check` leaves in rows.figures

    def answers(self, given: Mapping[str, str], suggested: Mapping[str, str]) -> dict[str, Any]:
        """The options in force: given, else read off the sheet, else the default. DomainError names the wrong one."""
        found = {}
        for option in self.options:
            said = (given.get(option.name) or suggested.get(option.name) or option.default()).strip()
            try:
                found[option.name] = option.parse(said)
            except ValueError as error:
                raise DomainError(f"{option.label}：{error}", field=option.name) from None
        return found


def parse_column(rows: Rows, column: Column, cells: Iterable[Any]) -> None:
    """Parse one column's cells into rows.values, noting what is wrong or was tidied up."""
    values: list[Any] = []
    parse, field = column.parse, column.field
    add = values.append
    for index, raw in enumerate(cells):
        value = None
        if raw is not None:
            try:
                value = parse(raw)
            except ValueError as error:
                rows.refuse(index, field, str(error))
                add(None)
                continue
            if type(value) is Cleaned:
                rows.tidy(index, field, value.what)
                value = value.value
        if value is None and column.filled:
            rows.refuse(index, field, "缺失，请补填")
        add(value)
    rows.values[field] = values


def refuse_duplicates(rows: Rows, column: Column) -> None:
    """The first row with a value counts, those after it are refused."""
    first: dict[Any, int] = {}
    for index, value in enumerate(rows[column.field]):
        if value is not None and first.setdefault(value, index) != index:
            rows.refuse(index, column.field, f"「{value}」与第 {rows.numbers[first[value]]} 行重复")
