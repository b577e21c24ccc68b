"""What a check has found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How bad it is. Only what is `bad` makes the command fail."""

    GOOD = "good"
    LOOK = "look"
    BAD = "bad"


WORDS = {Level.GOOD: "正常", Level.LOOK: "注意", Level.BAD: "危险"}


class Finding(NamedTuple):
    """One thing that was looked at. `says` and `do` are Chinese sentences and name no secret; `do` is '' where all is well."""

    check: str
    level: Level
    says: str
    do: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return {"check": self.check, "level": self.level.value, "says": self.says, "do": self.do}


def good(check: str, says: str) -> Finding:
    """As it should be."""
    return Finding(check, Level.GOOD, says)


def look(check: str, says: str, do: str) -> Finding:
    """Somebody should look at it; it may be meant so."""
    return Finding(check, Level.LOOK, says, do)


def bad(check: str, says: str, do: str) -> Finding:
    """Nobody's data should be in there before this is mended."""
    return Finding(check, Level.BAD, says, do)


def worst(found: Iterable[Finding]) -> Level:
    """Of several."""
    levels = [one.level for one in found]
    return next((level for level in (Level.BAD, Level.LOOK) if level in levels), Level.GOOD)
