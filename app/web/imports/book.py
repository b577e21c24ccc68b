"""The cells of a workbook, row by row, several times as fast as openpyxl gives them.

openpyxl reads the small parts (sheets, styles, which styles are dates); the two large ones, words and cells, go straight
through expat. The values are openpyxl's: text, int or binary number, date, truth; a formula as its text.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.xml.constants import SHARED_STRINGS, XLSM, XLSX, XLTM, XLTX

CHUNK = 1 << 16
PIECE_LIMIT = 1 << 20  # bytes of one tag, characters of one cell: a spreadsheet program writes 32,767 at most
WORKBOOK_TYPES = (XLSX, XLSM, XLTX, XLTM)
WORDS_LIMIT = 2_000_000  # shared strings; each costs some 60 bytes
Row = tuple[int, list[Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """A visible sheet: its title and where in the archive it is."""

    title: str
    path: str


class DamagedBook(ValueError):
    """Something in the file that no spreadsheet program writes."""


def _feed(parser: expat.XMLParserType, source: IO[bytes], collected: Callable[[], list[str]]) -> Iterator[None]:
    """Parse a part chunk by chunk, never holding more of it than a cell; `collected`: the text of the one under way."""
    fed = 0
    while chunk := source.read(CHUNK):
        fed += len(chunk)
        parser.Parse(chunk, False)
        if max(fed - parser.CurrentByteIndex, sum(map(len, collected()))) > PIECE_LIMIT:
            raise DamagedBook("a tag or a cell without end")
        yield
    parser.Parse(b"", True)
    yield


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_declared: object) -> None:
        raise DamagedBook("an entity declaration")

    parser.EntityDeclHandler = refuse
    return parser


def _books(package: Any) -> list[Any]:
    return [part for kind in WORKBOOK_TYPES for part in package.findall(kind)]


class Book:
    """An open workbook."""

    def __init__(self, file: BinaryIO) -> None:
        reader = ExcelReader(file, read_only=True, keep_links=False)
        self.archive: zipfile.ZipFile = reader.archive
        reader.read_manifest()
        if any(part.PartName.startswith("/xl/worksheets/") for part in _books(reader.package)):
            raise DamagedBook("a sheet that says it is the whole book")  # it may be large, which a book must not be
        reader.read_workbook()
        apply_stylesheet(reader.archive, reader.wb)
        book: Any = reader.wb
        self.epoch = book.epoch
        self.dates = {str(style) for style in book._date_formats}
        self.spans = {str(style) for style in book._timedelta_formats}
        self.parts = [
            Part(sheet.name, rel.target)
            for sheet, rel in reader.parser.find_sheets()
            if sheet.state == "visible" and "chartsheet" not in rel.Type and rel.target in reader.valid_files
        ]
        package: Any = reader.package
        words = package.find(SHARED_STRINGS)
        self.words = self._shared_words(words.PartName[1:]) if words is not None else []

    def close(self) -> None:
        """Close the archive."""
        self.archive.close()

    def _shared_words(self, path: str) -> list[str]:
        words = _Words()
        with self.archive.open(path) as source:
            for _ in _feed(words.parser, source, lambda: words.pieces):
                if len(words.found) > WORDS_LIMIT:
                    raise DamagedBook("more words than cells")
        return words.found

    def rows(self, part: Part, *, width: int) -> Iterator[Row]:
        """(number, cells) of every row that the sheet writes down, cells beyond `width` left out; rows end where they end."""
        cells = _Cells(self, width)
        with self.archive.open(part.path) as source:
            for _ in _feed(cells.parser, source, lambda: cells.formula or cells.value):
                yield from cells.rows
                cells.rows.clear()

    def date(self, value: Any, style: str) -> Any:
        """A number in a cell that shows dates or times."""
        try:
            return from_excel(value, self.epoch, timedelta=style in self.spans)
        except (OverflowError, ValueError):
            return "#VALUE!"


class _Words:
    """The shared strings: one for each <si>, its runs joined, without the phonetic ones (<rPh>)."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.pieces: list[str] = []
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.prefix = ""

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name == "t":
            self.parser.CharacterDataHandler = self.pieces.append
        elif name == "si":
            self.pieces.clear()
        elif name == "rPh":
            self.kept = list(self.pieces)
        elif name.endswith(":sst"):
            self.prefix = name[:-3]

    def _end(self, name: str) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name == "t":
            self.parser.CharacterDataHandler = None
        elif name == "si":
            self.found.append("".join(self.pieces))
        elif name == "rPh":
            self.pieces[:] = self.kept


class _Cells:
    """A sheet's rows, as far as they have been fed."""

    def __init__(self, book: Book, width: int) -> None:
        self.book, self.width, self.words = book, width, book.words
        self.rows: list[Row] = []
        self.row: list[Any] = []
        self.number = 0
        self.columns: dict[str, int] = {}
        self.prefix = ""
        self.place = -1
        self.kind = self.style = ""
        self.value: list[str] = []
        self.formula: list[str] | None = None
        self.parser = _parser()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name == "c":
            where = attributes.get("r")
            self.place = self.place + 1 if where is None else self._column(where.rstrip("0123456789"))
            self.kind = attributes.get("t", "n")
            self.style = attributes.get("s", "")
            self.value = []
            self.formula = None
        elif name in ("v", "t"):
            self.parser.CharacterDataHandler = self.value.append
        elif name == "row":
            self.number = int(attributes.get("r", self.number + 1))
            self.row = []
            self.place = -1
        elif name == "f":
            self.formula = ["="]
            self.parser.CharacterDataHandler = self.formula.append
        elif name == "rPh":
            self.kept = list(self.value)
        elif name.endswith(":worksheet"):
            self.prefix = name[: -len("worksheet")]

    def _end(self, name: str) -> None:
        if self.prefix:
            name = name.removeprefix(self.prefix)
        if name in ("v", "t", "f"):
            self.parser.CharacterDataHandler = None
        elif name == "c":
            if self.place < self.width and (self.value or self.formula):
                row, place = self.row, self.place
                if len(row) < place:
                    row.extend([None] * (place - len(row)))
                row[place:] = (self._cell(),)
        elif name == "row":
            self.rows.append((self.number, self.row))
        elif name == "rPh":
            self.value[:] = self.kept

    def _column(self, letters: str) -> int:
        """'A' → 0, 'AB' → 27."""
        place = self.columns.get(letters)
        if place is None:
            place = 0
            for letter in letters:
                place = place * 26 + ord(letter) - 64
            place = self.columns[letters] = place - 1
        return place

    def _cell(self) -> Any:
        if self.formula is not None:
            return "".join(self.formula)
        text = self.value[0] if len(self.value) == 1 else "".join(self.value)
        match self.kind:
            case "s":
                return self.words[int(text)]
            case "n":
                number = _number(text)
                return self.book.date(number, self.style) if self.style in self.book.dates else number
            case "b":
                return text == "1"
            case "d":
                return _iso(text)
        return text


_iso: Any = from_ISO8601


def _number(text: str) -> Any:
    """As a spreadsheet keeps it: whole, or in binary."""
    return float(text) if "." in text or "e" in text or "E" in text else int(text)
