"""Reading a workbook that a person made: where the headings are, which rows are data, in bounded memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from app.errors import DomainError
from app.web.imports.book import Book, Part
from app.web.imports.columns import Column, plain_heading

ROWS_LIMIT = 200_000
EMPTY_LIMIT = 1_000  # so many empty rows in a row end a sheet
HEADING_WITHIN = 30  # rows from the top
WIDTH_LIMIT = 200  # columns
UNPACKED_LIMIT = 800 * 1024 * 1024  # bytes, of all parts
WORDS_LIMIT = 120 * 1024 * 1024  # bytes, of the shared strings, which are read at once
SMALL_LIMIT = 4 * 1024 * 1024  # bytes, of any other part that openpyxl reads as a tree

_FOOTER = re.compile(
    r"(合计|总计|小计|本页合计|共计)[:：]?$|(制表|审核|复核|填表|填报|经办|负责|单位负责)(人[:：（(]?|[:：])"
    r"|(制表|填表|填报|打印)?(日期|时间)[:：]|(备注|说明|注)[:：]|第.{1,4}页"
)

Progress = Callable[[int], None]


@dataclass(slots=True)
class Sheet:
    """A sheet with its headings found. `places` and `labels`: by field, the cell's index and the heading's own words."""

    filename: str
    title: str
    preamble: list[str]
    heading_row: int
    heading: tuple[Any, ...]
    places: dict[str, int]
    labels: dict[str, str]
    numbers: list[int]
    rows: list[Sequence[Any]]


@contextmanager
def opened(file: BinaryIO) -> Iterator[Book]:
    """The workbook. Whatever is wrong with the file becomes one sentence."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise DomainError("这是旧的 .xls 文件（或加了密码），请在 Excel/WPS 里另存为 .xlsx 再上传。")
    if not start.startswith(b"PK"):
        raise DomainError("这不是 Excel 工作簿。.csv、网页或 PDF 请先在 Excel/WPS 里另存为 .xlsx，或下载模板填写。")
    try:
        _refuse_bombs(file)
        book = Book(file)
    except DomainError:
        raise
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise DomainError("这个文件读不出来，可能已损坏，请在 Excel/WPS 里打开后另存为 .xlsx 再上传。") from error
    try:
        yield book
    finally:
        book.close()


def _refuse_bombs(file: BinaryIO) -> None:
    """By what the archive says of its parts. A part that says too little is cut off there when it is read."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    sizes = [(_limit(part.filename), part.file_size) for part in parts]
    if sum(size for _, size in sizes) > UNPACKED_LIMIT or any(size > limit for limit, size in sizes):
        raise DomainError("文件内容太多，请分成几个文件再上传。")


def _limit(name: str) -> int:
    """How large a part may be: sheets are streamed, words are kept, pictures are never looked at."""
    if name.endswith("sharedStrings.xml"):
        return WORDS_LIMIT
    streamed = name.startswith("xl/worksheets/") and name.endswith(".xml")
    return UNPACKED_LIMIT if streamed or name.startswith("xl/media/") else SMALL_LIMIT


_DIMENSION = re.compile(rb'<dimension ref="[A-Z]*\d*:?[A-Z]*(\d+)"')
ROW_BYTES = 150  # the least that a row with something in it takes, unpacked


def guessed_rows(file: BinaryIO) -> int:
    """About how many rows the largest sheet has, without reading it; 0 where that cannot be told."""
    try:
        with zipfile.ZipFile(file) as archive:
            return max((_guessed(archive, part) for part in archive.infolist() if _is_sheet(part)), default=0)
    except (zipfile.BadZipFile, OSError):
        return 0


def _is_sheet(part: zipfile.ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")


def _guessed(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    most = part.file_size // ROW_BYTES + 1
    with archive.open(part) as sheet:
        told = _DIMENSION.search(sheet.read(2048))
    return min(int(told[1]), most) if told else most


def _is_empty(cells: Sequence[Any]) -> bool:
    return (bool(cells) and cells[0] is None and cells.count(None) == len(cells)) or all(
        c is None or (isinstance(c, str) and not c.strip()) for c in cells
    )


def _match(cells: Sequence[Any], columns: Sequence[Column]) -> dict[str, int]:
    """Field → place of the columns that this row names; the column's own heading goes before its aliases."""
    said: dict[str, int] = {}
    for place, cell in enumerate(cells[:WIDTH_LIMIT]):
        heading = plain_heading(cell)
        if heading:
            said.setdefault(heading, place)
    found: dict[str, int] = {}
    taken: set[int] = set()
    for rank in range(max(len(c.names()) for c in columns)):
        for column in columns:
            name = column.names()[rank] if rank < len(column.names()) else ""
            if name in said and column.field not in found and said[name] not in taken:
                found[column.field] = said[name]
                taken.add(said[name])
    return found


def find_heading(book: Book, part: Part, columns: Sequence[Column]) -> tuple[int, list[Any], dict[str, int], list[str]]:
    """Row number, cells, places by field, and the words above, of the row that names most columns."""
    best: tuple[int, list[Any], dict[str, int]] = (0, [], {})
    seen: list[str] = []
    above: list[str] = []
    for number, cells in book.rows(part, width=WIDTH_LIMIT):
        if number > HEADING_WITHIN:
            break
        found = _match(cells, columns)
        if len(found) > max(1, len(best[2])):
            best, above = (number, cells, found), list(seen)
        seen += [c.strip() for c in cells if isinstance(c, str) and c.strip()]
    return (*best, above)


def _choose(book: Book, columns: Sequence[Column], filename: str) -> tuple[Part, Sheet]:
    """The first sheet whose headings have all that is needed."""
    needed = [c for c in columns if c.needed]
    missing = needed
    for part in book.parts:
        row, heading, places, above = find_heading(book, part, columns)
        lacking = [c for c in needed if c.field not in places]
        if row and not lacking:
            labels = {field: str(heading[place]).strip() for field, place in places.items()}
            return part, Sheet(filename, part.title, above, row, tuple(heading), places, labels, [], [])
        missing = lacking if row else missing
    names = "、".join(f"「{c.heading}」" for c in missing) or "标题"
    raise DomainError(f"表里没有找到 {names} 这一列，请核对第一行标题，或下载模板填写。")


def _is_footer(cells: Sequence[Any], heading: frozenset[str], width: int) -> bool:
    """合计, 制表人, and headings printed again on every page."""
    first = next((c for c in cells if c is not None), None)
    if not isinstance(first, str):
        return False
    bare = first.replace(" ", "").replace("\u3000", "")
    if _FOOTER.match(bare):
        return True
    if plain_heading(first) not in heading:
        return False
    said = {plain_heading(c) for c in cells if isinstance(c, str)} - {""}
    return (len(said) > 1 and said <= heading) or (width == 1 and said <= heading)


def read(
    file: BinaryIO, columns: Sequence[Column], *, filename: str = "", progress: Progress = lambda _rows: None
) -> Sheet:
    """The sheet with its data rows. DomainError where there is no such sheet, or more than ROWS_LIMIT rows."""
    with opened(file) as book:
        try:
            part, found = _choose(book, columns, filename)
            _collect(book, part, found, progress)
        except DomainError:
            raise
        except Exception as error:  # a part of the file is damaged
            raise DomainError("这个文件有一部分读不出来，请在 Excel/WPS 里打开后另存为 .xlsx 再上传。") from error
    return found


def _collect(book: Book, part: Part, found: Sheet, progress: Progress) -> None:
    width = max(found.places.values()) + 1
    heading = frozenset(plain_heading(c) for c in found.heading) - {""}
    numbers, rows = found.numbers, found.rows
    last, empty = found.heading_row, 0
    for number, cells in book.rows(part, width=width):
        if number <= found.heading_row:
            continue
        empty += number - last - 1  # rows that are not even written down
        last = number
        if empty > EMPTY_LIMIT:
            break
        first = cells[0] if cells else None
        if (first is None or type(first) is str) and (_is_empty(cells) or _is_footer(cells, heading, width)):
            empty += 1
            continue
        empty = 0
        numbers.append(number)
        rows.append(cells)
        if len(rows) > ROWS_LIMIT:
            raise DomainError(f"一次最多导入 {ROWS_LIMIT:,} 行，请分成几个文件。")
        if len(rows) % 500 == 0:
            progress(len(rows))
