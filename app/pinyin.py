"""Pinyin initials, by which people are searched: 张建忠 → zjz."""

from __future__ import annotations

from functools import cache

# As surnames these are read otherwise than elsewhere.
SURNAMES = {
    "曾": "z", "单": "s", "解": "x", "仇": "q", "查": "z", "区": "o", "朴": "p", "盖": "g", "翟": "z",
    "缪": "m", "乐": "y", "覃": "q", "召": "s", "尉": "y", "洗": "x", "冼": "x", "员": "y", "种": "c",
}  # fmt: skip


@cache
def _initial(character: str) -> str:
    """The first letter of one character; digits and letters stay, the rest is dropped."""
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    from pypinyin import Style, lazy_pinyin  # loads its dictionary: not at the start of every process

    read = lazy_pinyin(character, style=Style.FIRST_LETTER, errors="ignore")
    return read[0].lower() if read else ""


def initials(name: str) -> str:
    """The initials of a name, lower case: '东街幸福院6' → 'djxfy6'."""
    letters = "".join(map(_initial, name))
    surname = SURNAMES.get(name[:1])
    return surname + letters[1:] if surname and letters else letters
