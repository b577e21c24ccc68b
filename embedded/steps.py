"""What the person at the terminal sees: numbered steps with the time each took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

MARGIN = " " * 6
TOTAL = 7  # the first, the Python environment, is made by bin/_env before we run


class Steps:
    """Prints `[3/7] 启动 PostgreSQL … 0.8 s`. Flushed at once: `up --detach` reads it from a pipe."""

    def __init__(self, first: int = 2) -> None:
        self._number = first - 1
        self._at_line_start = True
        self.began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self._number += 1
        self._write(f"[{self._number}/{TOTAL}] {title} … ")
        self._at_line_start = False
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._write(f"{self._margin()}没有完成\n")
            raise
        finally:
            margin, self._at_line_start = self._margin(), True
        self._write(f"{margin}{time.monotonic() - began:.1f} s\n")

    def note(self, text: str) -> None:
        """Something that a long step has to tell on its way, in lines of its own."""
        for line in text.splitlines():
            if line.strip():
                self._write(f"{'' if self._at_line_start else chr(10)}{MARGIN}{line.strip()}\n")
                self._at_line_start = True

    def _margin(self) -> str:
        return MARGIN if self._at_line_start else ""

    def say(self, text: str) -> None:
        self._write(f"{text}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class Quiet(Steps):
    """Says nothing: for a command whose own output is what is wanted."""

    @staticmethod
    def _write(text: str) -> None:
        pass
