"""A plant as one file: a zip of its tables in COPY's text format (UTF-8, a row a line), a manifest, and a seal.

The seal is the zip's comment, its last 64 characters: the SHA-256 of every byte before them. It finds what was cut off or
changed by accident; it is no signature, for whoever can write the file can seal it anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from tenants.provisioning import PlantError

FORMAT = 1
SEAL = 64  # characters
CHUNK = 1 << 20  # bytes in memory at a time, however large the plant
LEVEL = 3  # of compression: 6 takes twice as long for a tenth less
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Table:
    """One table's rows, and how far the counters of its columns are: {column: (last value, given out)}."""

    columns: list[str]
    rows: int
    sha256: str
    identities: dict[str, tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the file holds: the registry's row, the revision of the tables, and each table."""

    made_at: str
    revision: str
    plant: dict[str, Any]
    tables: dict[str, Table]
    format: int = FORMAT

    @classmethod
    def parse(cls, text: bytes) -> Manifest:
        """From JSON; ValueError, KeyError or TypeError where it is none of ours, PlantError where it is of tomorrow."""
        found = json.loads(text)
        if found["format"] != FORMAT:
            raise PlantError(f"备份的格式是第 {found['format']} 版，这个程序只认第 {FORMAT} 版；请先升级程序，再导入。")
        return cls(**(found | {"tables": {name: Table(**table) for name, table in found["tables"].items()}}))

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())


class Writer:
    """Puts tables into the open file, and at last the manifest."""

    def __init__(self, archive: ZipFile) -> None:
        self._zip = archive

    def table(self, name: str, blocks: Iterable[bytes]) -> tuple[int, str]:
        """Write a table's rows; returns how many, and their SHA-256."""
        digest, rows = hashlib.sha256(), 0
        with self._zip.open(_member(name), "w", force_zip64=True) as member:
            for chunk in _chunks(blocks):
                digest.update(chunk)
                rows += chunk.count(b"\n")
                member.write(chunk)
        return rows, digest.hexdigest()

    def manifest(self, manifest: Manifest) -> None:
        """Write what the file holds."""
        self._zip.writestr(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))


class Reader:
    """A file that was found whole."""

    def __init__(self, archive: ZipFile) -> None:
        self._zip = archive
        self.manifest = Manifest.parse(archive.read(MANIFEST))

    def blocks(self, name: str) -> Iterator[bytes]:
        """A table's rows, bit by bit."""
        with self._zip.open(_member(name)) as member:
            while chunk := member.read(CHUNK):
                yield chunk

    def check(self) -> None:
        """Raise ValueError where a table is not what the manifest says."""
        for name, table in self.manifest.tables.items():
            digest, rows = hashlib.sha256(), 0
            for chunk in self.blocks(name):
                digest.update(chunk)
                rows += chunk.count(b"\n")
            if (rows, digest.hexdigest()) != (table.rows, table.sha256):
                raise ValueError(name)


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new file, which has its name only when it is whole, sealed and on the disk; readable by its owner alone.

    Raises PlantError where the file exists or cannot be written.
    """
    if path.exists():
        raise PlantError(f"文件 {path} 已经存在，请换一个文件名。")
    draft: Path | None = None
    try:
        descriptor, name = mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
        draft = Path(name)
        with os.fdopen(descriptor, "w+b") as file:
            with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                archive.comment = b"0" * SEAL
                yield Writer(archive)
            sum_ = _sum(file)
            file.write(sum_)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise PlantError(f"文件 {path} 写不成：{error.strerror or error}") from error
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """The file, with every checksum and count found right before the block begins. Raises PlantError."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise PlantError(f"文件 {path} 读不出：{error.strerror}") from error
    with file:
        try:
            found = _sum(file)
            if file.read(SEAL + 1) != found:
                raise ValueError("seal")
            archive = ZipFile(file)
            reader = Reader(archive)
            reader.check()
        except (OSError, BadZipFile, zlib.error, EOFError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, PlantError):
                raise
            raise PlantError(f"文件 {path} 不是完整的水厂备份（被截断、改动，或不是备份），什么都没有导入。") from error
        with archive:
            yield reader


def _member(table: str) -> str:
    return f"{table}.copy"


def _chunks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces: PostgreSQL sends row by row."""
    waiting = bytearray()
    for block in blocks:
        waiting += block
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)


def _sum(file: IO[bytes]) -> bytes:
    """The SHA-256 of everything before the seal, in hex; the file then stands at the seal."""
    left = file.seek(0, os.SEEK_END) - SEAL
    file.seek(0)
    digest = hashlib.sha256()
    while left > 0:
        chunk = file.read(min(left, CHUNK))
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
